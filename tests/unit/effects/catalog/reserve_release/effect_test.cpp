// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_table.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Plan plan_for(const std::string& path) {
  Plan plan;
  plan.action = "reserve.release";
  plan.parameters = {{"path", path}};
  return plan;
}
int release(const std::string& path) { return kReserveReleaseEffect.inside(plan_for(path), {}); }
int make_again(const std::string& path, const std::string& bytes) {
  const std::vector<Attribute> was = {{"reserve_bytes", bytes}};
  return kReserveReleaseEffect.undo_inside(plan_for(path), was, {});
}

}  // namespace

TEST_CASE("a reserve is given up and made again") {
  TempDir dir;
  const std::string path = dir / "hostmedic.reserve";
  CHECK(release(path) == kEffectFailed);
  write(path, std::string(1 << 20, 'x'));
  CHECK(release(path) == kEffectDone);
  CHECK(names_in(dir.path).empty());
  CHECK(make_again(path, "1048576") == kEffectDone);
  CHECK(std::filesystem::file_size(path) == 1 << 20);
  CHECK(make_again(path, "1048576") == kEffectFailed);  // there is one
}

TEST_CASE("a reserve is not made again where that would fill the filesystem, nor of unknown size") {
  TempDir dir;
  const std::string path = dir / "hostmedic.reserve";
  for (const char* bytes : {"1152921504606846976", "0", "", "-1"}) CHECK(make_again(path, bytes) == kEffectFailed);
  CHECK(names_in(dir.path).empty());
}

TEST_CASE("what others could have put there is no reserve") {
  TempDir dir, other;
  const std::string path = dir / "hostmedic.reserve";
  write(other / "precious", "precious");
  SUBCASE("a link") { std::filesystem::create_symlink(other / "precious", path); }
  SUBCASE("a hard link") { std::filesystem::create_hard_link(other / "precious", path); }
  SUBCASE("a file that others may write") {
    write(path, "x");
    ::chmod(path.c_str(), 0666);
  }
  SUBCASE("a directory that others may write") {
    write(path, "x");
    ::chmod(dir.path.c_str(), 0777);
  }
  SUBCASE("a FIFO") { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }
  CHECK(release(path) == kEffectFailed);
  CHECK(names_in(dir.path).size() == 1);
  CHECK(read(other / "precious") == "precious");
}
