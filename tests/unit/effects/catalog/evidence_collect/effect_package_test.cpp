// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/evidence_collect/effect_package.h"

#include <csignal>

#include "actions/catalog/evidence_collect/effect_sources.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const MonoTime kLong = mono_now() + std::chrono::minutes(5);

std::string package_name(int number) { return "20261121T20440" + std::to_string(number) + "Z-" + std::string(24, 'a'); }

Packed packed(const TempDir& dir, int number, std::uint64_t most = 1 << 20) {
  auto stage = Stage::make(dir / ".stage", most, kLong);
  REQUIRE(stage.has_value());
  stage->put("journal", "line " + std::to_string(number) + "\n");
  stage->put("process/12/maps", std::string(5000, 'm'));
  auto done = pack(*stage, dir.path, package_name(number), "service:nginx.service");
  const std::string error = done ? "" : done.error().message();
  CAPTURE(error);
  REQUIRE(done.has_value());
  return *done;
}

bool holds(const Stage& stage, const std::string& name) {
  return std::filesystem::exists(stage.directory() + "/" + name);
}

}  // namespace

TEST_CASE("a stage keeps its bound and says what it left out") {
  TempDir dir;
  auto stage = Stage::make(dir / ".stage", 1000, kLong);
  REQUIRE(stage.has_value());
  write(dir / "large", std::string(5000, 'x'));
  stage->copy("first", dir / "large", 600);
  stage->copy("none", dir / "nowhere", 600);
  stage->put("second", std::string(300, 'y'));
  stage->put("third", std::string(300, 'z'));
  stage->put("fourth", "more");
  CHECK(stage->bytes() == 1000);
  REQUIRE(stage->members().size() == 3);
  CHECK(stage->members()[2].bytes == 100);
  CHECK_FALSE(holds(*stage, "fourth"));
  REQUIRE(stage->left_out().size() == 4);
  CHECK(stage->left_out()[0] == "first: cut at 600B");
  CHECK(stage->left_out()[1].starts_with("none: "));
  CHECK(stage->left_out()[3] == "fourth: no room was left");
  auto late = Stage::make(dir / ".late", 1000, mono_now());
  REQUIRE(late.has_value());
  late->put("x", "y");
  CHECK(late->left_out() == std::vector<std::string>{"x: no time was left"});
}

TEST_CASE("a package holds its members with their hashes, and its manifest names the one before") {
  TempDir dir;
  const Packed first = packed(dir, 1), second = packed(dir, 2);
  CHECK(first.manifest.previous == "-");
  CHECK(second.manifest.previous == first.manifest_sha256);
  CHECK(trim(read(dir / kEvidenceHead)) == second.manifest_sha256);
  const auto manifest = parse_manifest(read(dir / (package_name(2) + ".manifest")));
  REQUIRE(manifest.has_value());
  CHECK(manifest->members == second.manifest.members);
  CHECK(hashes_of({second.path}, std::chrono::seconds(10))->front() == second.manifest.sha256);
  std::filesystem::create_directory(dir / "out");
  const std::string unpacking = "tar -xf " + second.path + " -C " + (dir / "out") + " && cd " + (dir / "out") +
                                " && sha256sum --quiet --check SHA256SUMS";
  CHECK(std::system(unpacking.c_str()) == 0);
  CHECK(read(dir / "out/journal") == "line 2\n");
  CHECK_FALSE(std::filesystem::exists(dir / ".stage"));
}

TEST_CASE("the oldest packages go first, the newest stays") {
  TempDir dir;
  for (int i = 1; i <= 4; ++i) packed(dir, i);
  write(dir / "a note of the administrator's", "stays");
  CHECK(thin_out(dir.path, 3, 1 << 20) == 1);
  CHECK_FALSE(std::filesystem::exists(dir / (package_name(1) + ".manifest")));
  CHECK(std::filesystem::exists(dir / (package_name(2) + ".manifest")));
  CHECK(thin_out(dir.path, 3, 1) == 2);
  CHECK(names_in(dir.path).size() == 4);  // the newest, its manifest, the head and the note
  CHECK(thin_out(dir.path, 0, 0) == 0);
}

TEST_CASE("a process is looked at without its environment") {
  TempDir dir;
  ::setenv("HM_TEST_SECRET", "hunter2", 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sleep", "hm-sleeper", "61", nullptr);
    ::_exit(1);
  }
  ::unsetenv("HM_TEST_SECRET");
  for (int i = 0; i < 200 && read("/proc/" + std::to_string(child) + "/comm") != "sleep\n"; ++i) ::usleep(10'000);
  auto target = find_target({EntityKind::process, "sleep"}, "/proc");
  REQUIRE(target.has_value());
  target->processes = {static_cast<std::uint32_t>(child)};
  auto stage = Stage::make(dir / ".stage", 4 << 20, kLong);
  REQUIRE(stage.has_value());
  collect_processes(*target, "/proc", *stage);
  ::kill(child, SIGKILL);
  const std::string here = stage->directory() + "/process/" + std::to_string(child);
  CHECK(read(here + "/cmdline") == "hm-sleeper\n61\n");
  CHECK(read(here + "/maps").find("libc") != std::string::npos);
  CHECK(read(here + "/open-files").starts_with("0 "));
  CHECK(read(stage->directory() + "/process/executables").find("/sleep\n") != std::string::npos);
  CHECK(read(stage->directory() + "/process/tree").find("* " + std::to_string(child) + " ") != std::string::npos);
  for (const EvidenceMember& member : stage->members()) {
    CAPTURE(member.name);
    CHECK(read(stage->directory() + "/" + member.name).find("hunter2") == std::string::npos);
  }
  CHECK_FALSE(find_target({EntityKind::process, "no-such-program"}, "/proc").has_value());
}
