// SPDX-License-Identifier: Apache-2.0
// The file system says no in the middle of an effect: nothing half done stays, and the report tells it.
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <csignal>

#include "actions/catalog/config_rollback/effect_replace.h"
#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/evidence_collect/effect_package.h"
#include "actions/catalog/evidence_collect/effect_sources.h"
#include "actions/catalog/files_clean/effect_remove.h"
#include "actions/catalog/log_rotate/effect_archive.h"
#include "actions/catalog/log_rotate/effect_writers.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// While it lives no file of ours grows beyond so many bytes: the kernel refuses as it does on a full disk.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t most) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const struct rlimit now{most, before_.rlim_max};
    before_signal_ = ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~SmallFiles() {
    (void)::setrlimit(RLIMIT_FSIZE, &before_);
    (void)::signal(SIGXFSZ, before_signal_);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  struct rlimit before_{};
  void (*before_signal_)(int) = SIG_DFL;
};

const MonoTime kLong = mono_now() + std::chrono::minutes(5);

struct Config {
  TempDir dir;
  std::string path = dir / "etc/app.conf";
  ConfigPlaces places{dir / "good", dir / "replaced"};
  explicit Config(const std::string& good) {
    std::filesystem::create_directories(dir / "etc");
    std::filesystem::create_directories(places.known_good + dir.path + "/etc");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path))
      ::chmod(entry.path().c_str(), 0755);
    for (const auto& [file, content] : {std::pair{path, std::string("broken")}, {places.known_good + path, good}}) {
      write(file, content);
      ::chmod(file.c_str(), 0600);
    }
  }
};

}  // namespace

TEST_CASE("a configuration that there is no room for is not put in place, nor is the old one saved") {
  Config config(std::string(64 << 10, 'g'));
  {
    const SmallFiles limit(32 << 10);
    CHECK(put_kept(config.path, config.places).error().code == ErrorCode::io);
  }
  CHECK(read(config.path) == "broken");
  CHECK(names_in(config.dir / "etc") == std::vector<std::string>{"app.conf"});
  CHECK(names_in(config.places.replaced).empty());
}

TEST_CASE("labels of a configuration file come along to the one that replaces it") {
  Config config("good");
  if (::setxattr(config.path.c_str(), "user.note", "mine", 4, 0) != 0) return;  // not on this file system
  REQUIRE(put_kept(config.path, config.places));
  char value[8];
  REQUIRE(::getxattr(config.path.c_str(), "user.note", value, sizeof value) == 4);
  CHECK(std::string(value, 4) == "mine");
}

TEST_CASE("a reserve that cannot be made whole is not made") {
  TempDir dir;
  Plan plan;
  plan.parameters = {{"path", dir / "hostmedic.reserve"}};
  const std::vector<Attribute> was = {{"reserve_bytes", "1048576"}};
  const SmallFiles limit(512 << 10);
  CHECK(kReserveReleaseEffect.undo_inside(plan, was, {}) == kEffectFailed);
  CHECK(names_in(dir.path).empty());
}

TEST_CASE("evidence that cannot be written is told among what was left out") {
  TempDir dir;
  auto stage = Stage::make(dir / ".stage", 1 << 20, kLong);
  REQUIRE(stage.has_value());
  write(dir / "source", std::string(100'000, 's'));
  {
    const SmallFiles limit(0);
    stage->put("put", "text");
    stage->copy("copied", dir / "source", 1 << 20);
  }
  REQUIRE(stage->left_out().size() == 2);
  CHECK(stage->left_out()[0] == "put: write: File too large");
  CHECK(stage->left_out()[1] == "copied: write: File too large");
  write(stage->directory() + "/taken", "");
  stage->copy("taken", dir / "source", 1 << 20);  // a name twice
  CHECK(stage->left_out().back().find("exists") != std::string::npos);
}

TEST_CASE("a package is made whole or not at all") {
  TempDir dir;
  auto stage = Stage::make(dir / ".stage", 1 << 20, kLong);
  REQUIRE(stage.has_value());
  stage->put("journal", "a line\n");
  CHECK(pack(*stage, dir / "nowhere", "name", "service:x").error().message() == "tar ended with status 2");
  CHECK(hashes_of({dir / "missing"}, std::chrono::seconds(10)).error().message() == "sha256sum ended with status 1");
  std::filesystem::remove(stage->directory() + "/journal");
  CHECK_FALSE(pack(*stage, dir.path, "name", "service:x").has_value());
  CHECK(names_in(dir.path) == std::vector<std::string>{".stage"});
}

TEST_CASE("a program too large to be hashed, and one that no room is left for, are named") {
  TempDir dir;
  const std::string program = dir / "hm-large";
  std::filesystem::copy_file("/bin/sleep", program);
  std::filesystem::resize_file(program, 300ULL << 20);  // a hole
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(program.c_str(), "hm-large", "61", nullptr);
    ::_exit(1);
  }
  const auto at = "/proc/" + std::to_string(child);
  for (int i = 0; i < 200 && read(at + "/comm") != "hm-large\n"; ++i) ::usleep(10'000);
  EvidenceTarget target;
  target.entity = {EntityKind::process, "hm-large"};
  target.processes = {static_cast<std::uint32_t>(child)};
  auto stage = Stage::make(dir / ".stage", 4 << 20, kLong), full = Stage::make(dir / ".full", 10, kLong);
  REQUIRE(stage.has_value());
  REQUIRE(full.has_value());
  collect_processes(target, "/proc", *stage);
  collect_processes(target, "/proc", *full);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto told = [](const Stage& of, const std::string& word) {
    return std::ranges::any_of(of.left_out(), [&](const std::string& one) { return one.find(word) != one.npos; });
  };
  CHECK(told(*stage, "hm-large: too large, or one of too many"));
  CHECK(told(*full, "process/" + std::to_string(child) + "/: no time or room was left"));
}

TEST_CASE("a walk keeps its bounds and says so") {
  TempDir dir;
  for (const char* name : {"a", "b", "c"}) write(dir / name, std::string(name[0] == 'b' ? 90'000 : 9000, 'x'));
  const auto root = open_without_links(dir.path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  CHECK(find_files(root->get(), {.most_found = 1}).files.at(0).name == "b");
  write(dir / "a", std::string(200'000, 'x'));  // in whatever order they are seen, once a larger one comes later
  const WalkReport largest = find_files(root->get(), {.most_found = 1});
  REQUIRE(largest.files.size() == 1);
  CHECK(largest.files[0].name == "a");
  CHECK(largest.complete);
  const WalkReport cut = find_files(root->get(), {.most_seen = 2});
  CHECK_FALSE(cut.complete);
  CHECK(cut.files.size() <= 2);
  std::string deep = dir.path;
  for (int i = 0; i < 40; ++i) deep += "/d";
  std::filesystem::create_directories(deep);
  write(deep + "/file", std::string(9000, 'x'));
  const WalkReport shallow = find_files(root->get(), {});
  CHECK(shallow.unreadable == 1);
  CHECK(shallow.files.size() == 3);
}

TEST_CASE("a file is not removed over another that has the passing name") {
  TempDir dir;
  write(dir / "file", std::string(9000, 'x'));
  const auto root = open_without_links(dir.path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  const WalkReport found = find_files(root->get(), {});
  REQUIRE(found.files.size() == 1);
  const std::string passing = ".hm" + hex64(found.files[0].inode).substr(4);
  write(dir / passing, "somebody's");
  const RemoveReport removed =
      remove_files(root->get(), found.files, {.before = WallTime::max(), .free_bytes = 1, .most_files = 1});
  CHECK(removed.failed == 1);
  CHECK(names_in(dir.path).size() == 2);
  CHECK(read(dir / passing) == "somebody's");
}

namespace {

std::string log_of_the_test;
int punches = 0;
int failing_punch(int fd, int mode, off_t offset, off_t length) {
  if (++punches == 1) return ::fallocate(fd, mode, offset, length);  // the archive is asked whether it can
  errno = EIO;
  return -1;
}
int no_collapse(int fd, int mode, off_t offset, off_t length) {
  if (mode == FALLOC_FL_COLLAPSE_RANGE) return errno = EOPNOTSUPP, -1;
  return ::fallocate(fd, mode, offset, length);
}
int no_punch(int, int, off_t, off_t) { return errno = EOPNOTSUPP, -1; }
int opened_meanwhile = -1;
int opening_sync(int fd) {
  if (opened_meanwhile < 0) opened_meanwhile = ::open(log_of_the_test.c_str(), O_RDONLY | O_CLOEXEC);
  return ::fdatasync(fd);
}

struct Rotation {
  TempDir dir;
  std::string text = numbered_lines(2 << 20);
  ArchiveJob job;
  ArchiveReport report;
  Rotation() {
    write(dir / "app.log", text);
    log_of_the_test = dir / "app.log";
    job.archive = "app.log.gz";
    job.writers_append = true;
  }
  Status run() {
    const auto log = open_log(dir.path, dir / "app.log");
    REQUIRE(log);
    return archive_log(*log, job, report);
  }
};

}  // namespace

TEST_CASE("a log whose parts cannot be freed after all stays whole, without an archive") {
  Rotation rotation;
  rotation.job.calls.fallocate = failing_punch;
  punches = 0;
  const Status status = rotation.run();
  REQUIRE_FALSE(status);
  if (punches > 1) CHECK(status.error().message().find("freeing a part of") != std::string::npos);
  CHECK(read(rotation.dir / "app.log") == rotation.text);
  CHECK(names_in(rotation.dir.path) == std::vector<std::string>{"app.log"});
}

TEST_CASE("where a file cannot be cut at its beginning the hole stays, and is told") {
  Rotation rotation;
  rotation.job.calls.fallocate = no_collapse;
  if (!rotation.run()) return;  // this file system cannot free parts of a file either
  CHECK(rotation.report.note.find("keeps the freed beginning as a hole") != std::string::npos);
  CHECK(rotation.report.bytes_after == rotation.text.size());
  CHECK(unpack(rotation.dir / "app.log.gz") + without_hole(read(rotation.dir / "app.log")) == rotation.text);
}

TEST_CASE("a log that somebody opens while it is copied is not emptied") {
  Rotation rotation;
  rotation.job.calls.fallocate = no_punch;
  rotation.job.calls.fdatasync = opening_sync;
  const Status status = rotation.run();
  ::close(opened_meanwhile);
  REQUIRE_FALSE(status);
  CHECK(status.error().message().find("somebody opened") != std::string::npos);
  CHECK(read(rotation.dir / "app.log") == rotation.text);
  CHECK(names_in(rotation.dir.path) == std::vector<std::string>{"app.log"});
}

TEST_CASE("a descriptor without flags is nobody's writing") {
  TempDir dir;
  write(dir / "app.log", "x");
  for (const char* each : {"41/fd", "41/fdinfo", "42/fd", "42/fdinfo", "43/fd"})
    std::filesystem::create_directories(dir / (std::string("proc/") + each));
  for (const char* pid : {"41", "42", "43"})
    std::filesystem::create_symlink(dir / "app.log", dir / (std::string("proc/") + pid + "/fd/3"));
  write(dir / "proc/41/fdinfo/3", "pos:\t0\nmnt_id:\t30\n");
  write(dir / "proc/42/fdinfo/3", "pos:\t0\nflags:\t02102001\n");
  struct stat log{};
  REQUIRE(::stat((dir / "app.log").c_str(), &log) == 0);
  const WritersSeen seen = look_for_writers(dir / "proc", log);
  CHECK(seen.append == 1);
  CHECK(seen.other == 0);
}
