// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_logrotate.h"

#include "actions/catalog/log_rotate/effect_archive.h"
#include "actions/catalog/log_rotate/effect_writers.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("only the defaults of the main configuration are taken") {
  const std::string text =
      "# see logrotate\nweekly\nrotate 7\n\n  compress\ninclude /etc/logrotate.d\n"
      "/var/log/wtmp {\n  monthly\n  rotate 1\n}\n\"/var/log/two words\" /var/log/btmp\n{\n  rotate 0\n}\n"
      "postrotate\n  rm -rf /\nendscript\nsu root adm\n";
  CHECK(global_defaults(text) == "rotate 4\ncreate\nweekly\nrotate 7\ncompress\nsu root adm\n");
  CHECK(global_defaults("") == "rotate 4\ncreate\n");
  CHECK(global_defaults("postrotate\nnever ends") == "rotate 4\ncreate\n");
}

TEST_CASE("a configuration that copies in place is recognised by its words") {
  CHECK(copies_in_place("/var/log/a {\n\tcopytruncate\n}\n"));
  CHECK(copies_in_place("copy"));
  CHECK_FALSE(copies_in_place("/var/log/copy {\n  nocopytruncate\n  # copytruncate\n  compress\n}\n"));
}

TEST_CASE("a configuration outside logrotate's directory, or a missing one, is not run") {
  LogrotateJob job;
  job.program = "/bin/false";
  job.config = "/etc/logrotate.conf";
  job.timeout = std::chrono::seconds(1);
  Status status = run_logrotate(job);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::unsupported);
  job.config = "/etc/logrotate.d/hostmedic-no-such-file";
  status = run_logrotate(job);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::not_found);
}

TEST_CASE("the log is found under its new name") {
  TempDir dir;
  write(dir / "app.log", "text");
  const auto log = open_log(dir.path, dir / "app.log");
  REQUIRE(log);
  CHECK(present_name(*log) == "app.log");
  std::filesystem::rename(dir / "app.log", dir / "app.log.1");
  write(dir / "app.log", "new");
  CHECK(present_name(*log) == "app.log.1");
  std::filesystem::remove(dir / "app.log.1");
  CHECK(present_name(*log) == "");
}

TEST_CASE("another open descriptor is noticed") {
  TempDir dir;
  write(dir / "app.log", "text");
  const auto log = open_log(dir.path, dir / "app.log");
  REQUIRE(log);
  CHECK(is_sole_user(log->file.get()));
  const int reader = ::open((dir / "app.log").c_str(), O_RDONLY | O_CLOEXEC);
  CHECK_FALSE(is_sole_user(log->file.get()));
  ::close(reader);
  CHECK(is_sole_user(log->file.get()));
}

TEST_CASE("writers are told apart by how they write") {
  TempDir dir;
  write(dir / "app.log", "text");
  struct stat file{};
  REQUIRE(::stat((dir / "app.log").c_str(), &file) == 0);
  // A procfs of our own: process 7 appends, 8 writes and reads, 9 has another file open; "self" is not a number.
  const auto process = [&](const std::string& pid, const std::string& target, const std::string& flags) {
    std::filesystem::create_directories(dir / ("proc/" + pid + "/fd"));
    std::filesystem::create_directories(dir / ("proc/" + pid + "/fdinfo"));
    std::filesystem::create_symlink(target, dir / ("proc/" + pid + "/fd/3"));
    write(dir / ("proc/" + pid + "/fdinfo/3"), "pos:\t0\nflags:\t" + flags + "\nmnt_id:\t1\n");
  };
  process("7", dir / "app.log", "0102001");
  process("8", dir / "app.log", "0100002");
  process("9", dir.path, "0100001");
  process("10", dir / "app.log", "0100000");
  process("11", dir / "app.log", "junk");
  process("self", dir / "app.log", "0100001");
  const WritersSeen seen = look_for_writers(dir / "proc", file);
  CHECK(seen.append == 1);
  CHECK(seen.other == 1);
  CHECK(look_for_writers(dir / "nothing", file).append == 0);
}

TEST_CASE("a log that was moved to another directory has no name beside its old one") {
  TempDir dir;
  std::filesystem::create_directories(dir / "logs");
  std::filesystem::create_directories(dir / "old");
  write(dir / "logs/app.log", "text");
  auto log = open_log(dir.path, dir / "logs/app.log");
  REQUIRE(log);
  std::filesystem::rename(dir / "logs/app.log", dir / "logs/app.log.1");
  CHECK(present_name(*log) == "app.log.1");
  std::filesystem::rename(dir / "logs/app.log.1", dir / "old/app.log.1");
  CHECK(present_name(*log).empty());
}
