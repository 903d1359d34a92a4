// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/config_rollback/effect_replace.h"

#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

struct Store {
  TempDir dir;
  std::string path = dir / "etc/app.conf";
  ConfigPlaces places{dir / "good", dir / "replaced"};
  Store() {
    std::filesystem::create_directories(dir / "etc");
    std::filesystem::create_directories(dir / ("good" + dir.path + "/etc"));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path))
      ::chmod(entry.path().c_str(), 0755);
    write(path, "broken");
    ::chmod(path.c_str(), 0640);
    write(kept(), "good");
    ::chmod(kept().c_str(), 0600);
  }
  std::string kept() const { return places.known_good + path; }
};

}  // namespace

TEST_CASE("a file comes back to what was kept, with its owner and mode, and then to what it was") {
  Store store;
  const auto saved = put_kept(store.path, store.places);
  REQUIRE(saved);
  CHECK(read(store.path) == "good");
  struct stat seen{};
  REQUIRE(::stat(store.path.c_str(), &seen) == 0);
  CHECK((seen.st_mode & 07777) == 0640);
  CHECK(names_in(store.dir / "etc") == std::vector<std::string>{"app.conf"});
  CHECK(put_kept(store.path, store.places).error().code == ErrorCode::conflict);  // nothing to do
  REQUIRE(put_replaced(store.path, *saved, store.places));
  CHECK(read(store.path) == "broken");
  CHECK(names_in(store.dir / "replaced").empty());
}

TEST_CASE("what somebody changed after the roll-back is not overwritten by taking it back") {
  Store store;
  const auto saved = put_kept(store.path, store.places);
  REQUIRE(saved);
  write(store.path, "edited");
  CHECK(put_replaced(store.path, *saved, store.places).error().code == ErrorCode::conflict);
  CHECK(read(store.path) == "edited");
  CHECK(read(*saved) == "broken");
}

TEST_CASE("only what root alone could have written is put in place, or replaced") {
  Store store;
  TempDir other;
  write(other / "secret", "secret");
  SUBCASE("nothing was kept") {
    std::filesystem::remove(store.kept());
    CHECK(put_kept(store.path, store.places).error().code == ErrorCode::not_found);
  }
  SUBCASE("the copy is writable for others") { ::chmod(store.kept().c_str(), 0666); }
  SUBCASE("the copy is a link") {
    std::filesystem::remove(store.kept());
    std::filesystem::create_symlink(other / "secret", store.kept());
  }
  SUBCASE("the copy has a second name") { std::filesystem::create_hard_link(store.kept(), store.dir / "again"); }
  SUBCASE("the copy's directory is writable for others") {
    ::chmod(std::filesystem::path(store.kept()).parent_path().c_str(), 0777);
  }
  SUBCASE("the file's directory is writable for others") { ::chmod((store.dir / "etc").c_str(), 0777); }
  SUBCASE("the file is a link") {
    std::filesystem::remove(store.path);
    std::filesystem::create_symlink(other / "secret", store.path);
  }
  SUBCASE("the file's directory is reached through a link") {
    std::filesystem::rename(store.dir / "etc", store.dir / "real");
    std::filesystem::create_directory_symlink(store.dir / "real", store.dir / "etc");
  }
  SUBCASE("the copy is too long") { write(store.kept(), std::string((1 << 20) + 1, 'x')); }
  CHECK_FALSE(put_kept(store.path, store.places));
  CHECK(read(other / "secret") == "secret");
  CHECK_FALSE(std::filesystem::exists(store.dir / "replaced"));
}

TEST_CASE("what was replaced is looked for in its own place only") {
  Store store;
  const auto saved = put_kept(store.path, store.places);
  REQUIRE(saved);
  write(store.dir / "elsewhere", "x");
  for (const std::string& where : {store.dir / "elsewhere", store.places.replaced + "/../elsewhere", std::string(),
                                   store.places.replaced + "/none"})
    CHECK_FALSE(put_replaced(store.path, where, store.places));
  CHECK(read(store.path) == "good");
}
