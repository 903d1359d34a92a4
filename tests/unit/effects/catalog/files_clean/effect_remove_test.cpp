// SPDX-License-Identifier: Apache-2.0
// Whatever lies, or is put while it works, below the root: nothing outside of it is touched.
#include "actions/catalog/files_clean/effect_remove.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "actions/catalog/effect_beneath.h"
#include "agent/base/clock.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const std::string kText(9000, 'x');

struct Cleaned {
  WalkReport found;
  RemoveReport removed;
};

// Everything counts as old, but for what a test says otherwise.
Cleaned clean(const std::string& path, WallTime before = WallTime::max(), std::uint64_t free = 1 << 30) {
  const auto root = open_without_links(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  Cleaned done;
  WalkRules rules;
  rules.before = before;
  done.found = find_files(root->get(), rules);
  done.removed =
      remove_files(root->get(), done.found.files, {.before = before, .free_bytes = free, .most_files = 1000});
  return done;
}

}  // namespace

TEST_CASE("the largest files go first, until enough is free") {
  TempDir dir;
  std::filesystem::create_directories(dir / "a/b");
  write(dir / "small", std::string(10'000, 'x'));
  write(dir / "a/large", std::string(3'000'000, 'x'));
  write(dir / "a/b/medium", std::string(500'000, 'x'));
  const Cleaned done = clean(dir.path, WallTime::max(), 3'100'000);
  CHECK(done.removed.files == 2);
  CHECK(done.removed.bytes >= 3'500'000);
  CHECK(done.removed.largest == "a/large");
  CHECK(names_in(dir.path) == std::vector<std::string>{"a", "small"});
  CHECK(names_in(dir / "a") == std::vector<std::string>{"b"});
}

TEST_CASE("what was used since stays, whichever of its times says so") {
  TempDir dir;
  write(dir / "file", kText);
  const auto with_times = [&](std::time_t access, std::time_t change) {
    const struct timespec times[2] = {{access, 0}, {change, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (dir / "file").c_str(), times, 0) == 0);
  };
  const WallTime before = wall_now() - std::chrono::hours(1);
  with_times(1000, 1000);  // the inode itself is new
  CHECK(clean(dir.path, before).found.young == 1);
  const WallTime later = wall_now() + std::chrono::hours(1);
  const std::time_t future = std::time(nullptr) + 7200;
  with_times(future, 1000);
  CHECK(clean(dir.path, later).found.young == 1);
  with_times(1000, future);
  CHECK(clean(dir.path, later).found.young == 1);
  with_times(1000, 1000);
  CHECK(clean(dir.path, later).removed.files == 1);
}

TEST_CASE("what somebody has open stays, however old") {
  TempDir dir;
  write(dir / "file", kText);
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const Fd holder(::open((dir / "file").c_str(), flags | O_CLOEXEC));
    const Cleaned done = clean(dir.path);
    CHECK(done.removed.files == 0);
    CHECK(done.removed.in_use == 1);
  }
  CHECK(read(dir / "file") == kText);
  CHECK(clean(dir.path).removed.files == 1);
}

TEST_CASE("links, hard links, FIFOs and sockets stay, and what links lead to") {
  TempDir dir, other;
  write(other / "secret", kText);
  std::filesystem::create_directory(other / "sub");
  write(other / "sub/deep", kText);
  std::filesystem::create_symlink(other / "secret", dir / "to-file");
  std::filesystem::create_directory_symlink(other / "sub", dir / "to-directory");
  std::filesystem::create_directory_symlink("/proc/self/root", dir / "to-proc");
  std::filesystem::create_directory_symlink("..", dir / "up");
  std::filesystem::create_hard_link(other / "secret", dir / "hard");
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (dir / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) == 0);
  const Cleaned done = clean(dir.path);
  CHECK(done.removed.files == 0);
  CHECK(done.found.unlike == 6);
  CHECK(done.found.linked == 1);
  CHECK(names_in(dir.path).size() == 7);
  CHECK(read(other / "secret") == kText);
  CHECK(read(other / "sub/deep") == kText);
}

TEST_CASE("any name is only a name") {
  TempDir dir;
  const std::vector<std::string> names = {"a\nb", "-rf", "* ?", "\xff\xfe", "...", "$(reboot)", std::string(255, 'n')};
  for (const std::string& name : names) write(dir / name, kText);
  write(dir / "keep\n/nothing", kText);  // a directory that does not exist: no file
  const Cleaned done = clean(dir.path);
  CHECK(done.removed.files == names.size());
  CHECK(names_in(dir.path).empty());
}

TEST_CASE("a directory that its user has locked, and a marked file of root's, stay") {
  TempDir dir;
  std::filesystem::create_directory(dir / "mine");
  write(dir / "mine/file", kText);
  const Fd lock(::open((dir / "mine").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(::flock(lock.get(), LOCK_SH) == 0);
  CHECK(clean(dir.path).found.locked == 1);
  CHECK(read(dir / "mine/file") == kText);
  struct stat marked{};
  marked.st_mode = S_IFREG | S_ISVTX;
  CHECK(is_kept_by_mark(marked));
  marked.st_uid = 1000;
  CHECK_FALSE(is_kept_by_mark(marked));
}

TEST_CASE("a root that leads through a link is not opened, nor one with dots beneath another") {
  TempDir dir, other;
  write(other / "file", kText);
  std::filesystem::create_directory_symlink(other.path, dir / "root");
  CHECK_FALSE(open_without_links(dir / "root", O_RDONLY | O_DIRECTORY));
  std::filesystem::create_directory(other / "sub");
  CHECK_FALSE(open_without_links(dir / "root/sub", O_RDONLY | O_DIRECTORY));
  const auto root = open_without_links(dir.path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  for (const char* path : {"..", "../x", "a/../..", "/etc", "root/file"})
    CHECK_FALSE(open_beneath(root->get(), path, O_PATH, Mounts::stay));
}

TEST_CASE("what takes a found file's place before it goes stays") {
  TempDir dir;
  write(dir / "file", kText);
  const auto root = open_without_links(dir.path, O_RDONLY | O_DIRECTORY);
  WalkReport found = find_files(root->get(), {});
  REQUIRE(found.files.size() == 1);
  const RemoveRules rules{.before = WallTime::max(), .free_bytes = 1 << 30, .most_files = 10};
  SUBCASE("another file") {
    write(dir / "new", "new");
    std::filesystem::rename(dir / "new", dir / "file");
    CHECK(remove_files(root->get(), found.files, rules).changed == 1);
    CHECK(read(dir / "file") == "new");
  }
  SUBCASE("the same, but used since") {
    RemoveRules old = rules;
    old.before = wall_now() - std::chrono::hours(1);
    CHECK(remove_files(root->get(), found.files, old).changed == 1);
    CHECK(read(dir / "file") == kText);
  }
  SUBCASE("known by a second name") {
    std::filesystem::create_hard_link(dir / "file", dir / "again");
    CHECK(remove_files(root->get(), found.files, rules).changed == 1);
    CHECK(read(dir / "file") == kText);
  }
  SUBCASE("a directory, a FIFO, nothing") {
    std::filesystem::remove(dir / "file");
    CHECK(remove_files(root->get(), found.files, rules).changed == 1);
    std::filesystem::create_directory(dir / "file");
    CHECK(remove_files(root->get(), found.files, rules).changed == 1);
    std::filesystem::remove(dir / "file");
    REQUIRE(::mkfifo((dir / "file").c_str(), 0600) == 0);
    CHECK(remove_files(root->get(), found.files, rules).changed == 1);
    CHECK(names_in(dir.path) == std::vector<std::string>{"file"});
  }
}

TEST_CASE("directories and links that are exchanged all the time lead nowhere else") {
  TempDir dir, other;
  for (int i = 0; i < 20; ++i) write(other / ("file" + std::to_string(i)), kText);
  std::filesystem::create_directory(other / "sub");
  write(other / "sub/file0", kText);
  const std::vector<std::string> before = names_in(other.path);
  std::filesystem::create_directory(dir / "real");
  std::filesystem::create_directory_symlink(other.path, dir / "link");
  std::atomic<bool> stop = false;
  std::atomic<int> swaps = 0;
  std::thread attacker([&] {
    for (int i = 0; !stop; ++i, ++swaps) {
      const std::string name = "file" + std::to_string(i % 20);
      // The directory is a link to outside every other moment; so is a file, or it is a hard link to one outside.
      (void)::renameat2(AT_FDCWD, (dir / "real").c_str(), AT_FDCWD, (dir / "link").c_str(), RENAME_EXCHANGE);
      write(dir / ("real/" + name), "x");
      (void)::unlink((dir / name).c_str());
      if (i % 3 == 0) write(dir / name, kText);
      if (i % 3 == 1) (void)::symlink((other / name).c_str(), (dir / name).c_str());
      if (i % 3 == 2) (void)::link((other / name).c_str(), (dir / name).c_str());
      (void)::rename((dir / name).c_str(), (dir / "passing").c_str());
      (void)::rename((dir / "passing").c_str(), (dir / name).c_str());
    }
  });
  std::size_t removed = 0;
  const MonoTime end = mono_now() + std::chrono::seconds(2);
  while (mono_now() < end) removed += clean(dir.path).removed.files;
  stop = true;
  attacker.join();
  MESSAGE(removed, " removed during ", swaps.load(), " swaps");
  CHECK(removed > 0);
  // The attacker itself wrote through its link; only what is there, and not its content, is told by it.
  CHECK(names_in(other.path) == before);
  CHECK(read(other / "sub/file0") == kText);
}

namespace {

int mount_story(const std::string& path, const std::string& outside) {
  const auto failed = [](const char* what) {
    std::perror(what);
    return 2;
  };
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("private");
  for (const char* name : {"bind", "tmpfs", "proc"})
    if (::mkdir((path + "/" + name).c_str(), 0700) != 0) return failed(name);
  write(path + "/over", kText);
  if (::mount(outside.c_str(), (path + "/bind").c_str(), nullptr, MS_BIND, nullptr) != 0) return failed("bind");
  if (::mount((outside + "/secret").c_str(), (path + "/over").c_str(), nullptr, MS_BIND, nullptr) != 0)
    return failed("bind of a file");
  if (::mount("none", (path + "/tmpfs").c_str(), "tmpfs", 0, "size=1m") != 0) return failed("tmpfs");
  if (::mount("none", (path + "/proc").c_str(), "proc", 0, nullptr) != 0) return failed("proc");
  write(path + "/tmpfs/file", kText);
  if (::mknod((path + "/device").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0 && errno != EPERM) return failed("mknod");
  const auto root = open_without_links(path, O_RDONLY | O_DIRECTORY);
  if (!root) return 3;
  const WalkReport found = find_files(root->get(), {});
  const RemoveReport removed =
      remove_files(root->get(), found.files, {.before = WallTime::max(), .free_bytes = 1 << 30, .most_files = 100});
  if (found.mounts != 3) return 4;
  if (removed.files != 1) return 5;  // the one that lies there by itself
  const bool kept = read(path + "/tmpfs/file") == kText && read(path + "/over") == kText &&
                    read(outside + "/secret") == kText && ::access((path + "/own").c_str(), F_OK) != 0;
  return kept ? 0 : 6;
}

}  // namespace

TEST_CASE("other mounts below the root are not entered, and a file that is one stays") {
  TempDir dir, other;
  write(dir / "own", kText);
  write(other / "secret", kText);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    ::_exit(::unshare(CLONE_NEWNS | CLONE_NEWPID) != 0 ? 77 : [&] {
      const pid_t inner = ::fork();  // first of the new process namespace, whose proc it may mount
      if (inner == 0) ::_exit(mount_story(dir.path, other.path));
      int status = 0;
      ::waitpid(inner, &status, 0);
      return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
    }());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    MESSAGE("not shown here: this user may not make a mount namespace");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}
