// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_open.h"

#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
ErrorCode refusal(const std::string& root, const std::string& path) {
  const auto log = open_log(root, path);
  REQUIRE_FALSE(log);
  const auto look = look_at_log(root, path);
  REQUIRE_FALSE(look);
  CHECK(look.error().code == log.error().code);
  return log.error().code;
}
}  // namespace

TEST_CASE("an ordinary file below the root is opened for reading and writing") {
  TempDir dir;
  std::filesystem::create_directories(dir / "sub/deeper");
  write(dir / "sub/deeper/app.log", "text");
  const auto log = open_log(dir.path, dir / "sub/deeper/app.log");
  REQUIRE(log);
  CHECK(log->name == "app.log");
  char buffer[8];
  CHECK(::pread(log->file.get(), buffer, 8, 0) == 4);
  CHECK(::pwrite(log->file.get(), "T", 1, 0) == 1);
  CHECK(look_at_log(dir.path, dir / "sub/deeper/app.log")->st_size == 4);
  CHECK(utilization_of(log->file.get()).value_or(2) <= 1);
}

TEST_CASE("links, other kinds of file, other roots and strange paths are refused") {
  TempDir dir, other;
  write(other / "secret", "secret");
  write(dir / "app.log", "text");
  SUBCASE("symbolic link to a file") {
    std::filesystem::create_symlink(other / "secret", dir / "link.log");
    CHECK(refusal(dir.path, dir / "link.log") == ErrorCode::denied);
  }
  SUBCASE("symbolic link that stays inside") {
    std::filesystem::create_symlink("app.log", dir / "link.log");
    CHECK(refusal(dir.path, dir / "link.log") == ErrorCode::denied);
  }
  SUBCASE("symbolic link to a directory") {
    std::filesystem::create_directory_symlink(other.path, dir / "sub");
    CHECK(refusal(dir.path, dir / "sub/secret") == ErrorCode::denied);
  }
  SUBCASE("hard link") {
    std::filesystem::create_hard_link(dir / "app.log", dir / "again.log");
    CHECK(refusal(dir.path, dir / "again.log") == ErrorCode::denied);
  }
  SUBCASE("FIFO") {
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    CHECK(refusal(dir.path, dir / "fifo") == ErrorCode::denied);
  }
  SUBCASE("directory") {
    std::filesystem::create_directory(dir / "sub");
    CHECK(refusal(dir.path, dir / "sub") == ErrorCode::denied);
  }
  SUBCASE("dots") {
    const std::string name = std::filesystem::path(other.path).filename().string();
    CHECK(refusal(dir.path, dir / ("../" + name + "/secret")) == ErrorCode::denied);
    CHECK(refusal(dir.path, dir / "./app.log") == ErrorCode::denied);
    CHECK(refusal(dir.path, dir / "/app.log") == ErrorCode::denied);
  }
  SUBCASE("another root") {
    CHECK(refusal(dir.path, other / "secret") == ErrorCode::denied);
    CHECK(refusal(dir.path, dir.path + "-twin/app.log") == ErrorCode::denied);
    CHECK(refusal(dir.path, dir.path) == ErrorCode::denied);
    CHECK(refusal("relative", "relative/app.log") == ErrorCode::denied);
  }
  SUBCASE("nothing there") {
    CHECK(refusal(dir.path, dir / "none.log") == ErrorCode::not_found);
    CHECK(refusal(dir / "none", dir / "none/app.log") == ErrorCode::not_found);
  }
}
