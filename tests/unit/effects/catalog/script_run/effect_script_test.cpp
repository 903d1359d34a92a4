// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/script_run/effect_script.h"

#include "actions/catalog/effect_root_file.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

std::string wrong(const std::string& text) {
  const auto header = parse_script_header(text);
  REQUIRE_FALSE(header.has_value());
  return header.error().message();
}

void put_script(const TempDir& dir, const std::string& name, const std::string& text, unsigned mode = 0755) {
  write(dir / name, text);
  REQUIRE(::chmod((dir / name).c_str(), mode) == 0);
}

std::string refusal(const TempDir& dir, const std::string& name) {
  const auto script = open_script(dir.path, name);
  return script ? "" : script.error().message();
}

bool is_root() {
  if (::geteuid() == 0) return true;
  MESSAGE("skipped: only root can make files of root's");
  return false;
}

}  // namespace

TEST_CASE("a script opens only what its header says") {
  const auto shut = parse_script_header("#!/bin/sh\necho hello\n");
  REQUIRE(shut.has_value());
  CHECK_FALSE(shut->network);
  CHECK(shut->paths.empty());
  CHECK(shut->user.empty());
  CHECK(shut->timeout == Duration{});
  const auto open = parse_script_header(
      "#!/bin/sh\n# hostmedic: network=yes paths=/srv,/var/cache/app user=www-data timeout=30s check=drained.sh\n");
  REQUIRE(open.has_value());
  CHECK(open->network);
  CHECK(open->paths == std::vector<std::string>{"/srv", "/var/cache/app"});
  CHECK(open->user == "www-data");
  CHECK(open->timeout == std::chrono::seconds(30));
  CHECK(open->check == "drained.sh");
  CHECK(openings_of(*open).network);
  CHECK(openings_of(*open).capabilities.empty());
  std::string late = "#!/bin/sh\n";
  for (int i = 0; i < 30; ++i) late += "#\n";
  CHECK_FALSE(parse_script_header(late + "# hostmedic: network=yes\n")->network);
  CHECK(parse_script_header("").has_value());
  CHECK(parse_script_header("# hostmedic:").has_value());
}

TEST_CASE("a header that is not understood is refused with its line") {
  CHECK(wrong("#!/bin/sh\n# hostmedic: netwrk=yes\n") == "line 2: 'netwrk=yes' is not understood");
  for (const char* word : {"network=maybe",  "network",
                           "paths=",         "paths=/",
                           "paths=srv",      "paths=/srv/../etc",
                           "paths=/etc",     "paths=/etc/hostmedic/scripts.d",
                           "paths=/var/lib", "paths=/usr",
                           "user=",          "user=-x",
                           "user=ROOT",      "user=a:b",
                           "timeout=30",     "timeout=0s",
                           "check=../x",     "check=",
                           "all_paths=yes",  "capabilities=CAP_SYS_ADMIN"}) {
    CAPTURE(word);
    CHECK_FALSE(wrong(std::string("# hostmedic: ") + word).empty());
  }
  CHECK(wrong("# hostmedic: network=no\n# hostmedic: network=yes\n") == "line 2: a second header");
}

TEST_CASE("a script is root's alone, an ordinary file with one name") {
  if (!is_root()) return;
  TempDir dir;
  REQUIRE(::chmod(dir.path.c_str(), 0755) == 0);
  put_script(dir, "good", "#!/bin/sh\n");
  CHECK(refusal(dir, "good") == "");
  put_script(dir, "group", "#!/bin/sh\n", 0775);
  CHECK(refusal(dir, "group").find("written by others") != std::string::npos);
  put_script(dir, "plain", "#!/bin/sh\n", 0644);
  CHECK(refusal(dir, "plain").find("not executable") != std::string::npos);
  put_script(dir, "theirs", "#!/bin/sh\n");
  REQUIRE(::chown((dir / "theirs").c_str(), 65534, 0) == 0);
  CHECK(refusal(dir, "theirs").find("does not belong to root") != std::string::npos);
  REQUIRE(::symlink("good", (dir / "soft").c_str()) == 0);
  CHECK(refusal(dir, "soft").find("link") != std::string::npos);
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0700) == 0);
  CHECK(refusal(dir, "fifo").find("not an ordinary file") != std::string::npos);
  std::filesystem::create_directory(dir / "directory");
  CHECK(refusal(dir, "directory") != "");
  for (const char* name : {"..", ".", "", "../x", "/bin/sh", "none"}) CHECK(refusal(dir, name) != "");
  REQUIRE(::link((dir / "good").c_str(), (dir / "hard").c_str()) == 0);
  CHECK(refusal(dir, "good").find("several names") != std::string::npos);
  put_script(dir, "other", "#!/bin/sh\n");
  REQUIRE(::chmod(dir.path.c_str(), 0775) == 0);
  CHECK(refusal(dir, "other").find("written by others") != std::string::npos);
}

TEST_CASE("a script's check comes first, and its end says what became of it") {
  if (!is_root()) return;
  TempDir dir;
  REQUIRE(::chmod(dir.path.c_str(), 0755) == 0);
  const std::string mark = dir / "mark";
  put_script(dir, "act", "#!/bin/sh\n# hostmedic: check=ask\necho \"$1\" >>" + mark + "\necho done $1; exit $2\n");
  const auto run = [&](std::vector<std::string> arguments) {
    return run_script(dir.path, "act", arguments, std::chrono::seconds(10));
  };
  CHECK(run({"a", "0"}) == kEffectFailed);  // there is no such check
  put_script(dir, "ask", "#!/bin/sh\nexit 3\n");
  CHECK(run({"b", "0"}) == kEffectUnnecessary);
  put_script(dir, "ask", "#!/bin/sh\nexit 1\n");
  CHECK(run({"c", "0"}) == kEffectFailed);
  CHECK_FALSE(std::filesystem::exists(mark));
  put_script(dir, "ask", "#!/bin/sh\nexit 0\n");
  CHECK(run({"d", "0"}) == kEffectDone);
  CHECK(run({"e", "3"}) == kEffectUnnecessary);
  CHECK(run({"f", "9"}) == kEffectFailed);
  CHECK(read(mark) == "d\ne\nf\n");
  put_script(dir, "act", "#!/bin/sh\n# hostmedic: timeout=100ms\nsleep 10\n");
  CHECK(run({}) == kEffectFailed);
}
