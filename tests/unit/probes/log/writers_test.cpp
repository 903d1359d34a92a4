// SPDX-License-Identifier: Apache-2.0
#include "probes/log/writers.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/base/file.h"
#include "probes/log/hunt.h"
#include "tests/unit/probes/log/temp_tree.h"

using namespace hostmedic;
using namespace hostmedic::log;
using hostmedic::test::TempTree;

namespace {

constexpr const char* kAppend = "0102001";  // O_WRONLY | O_APPEND | O_LARGEFILE
constexpr const char* kPlainWrite = "0100001";
constexpr const char* kReadOnly = "0100000";

struct Host : TempTree {
  Host() {
    file("log/app.log", "x");
    dir("proc");
  }
  Writers ask() const {
    const auto proc = open_dir(at("proc"));
    return find_writers(proc->get(), "/var/log/app.log", device("log/app.log"), inode("log/app.log"));
  }
};

// Used space of the disk that the hunt asks for.
std::uint64_t disk_used = 0;
std::optional<Space> read_disk(int) { return Space{disk_used, 1 << 30}; }

}  // namespace

TEST_CASE("the writer with a unit is named, readers are not writers") {
  Host host;
  host.process(40, "tail", "0::/user.slice/user-0.slice/session-1.scope", "log/app.log", kReadOnly);
  host.process(41, "sh", "0::/", "log/app.log", kAppend);
  host.process(42, "app", "0::/system.slice/app.service", "log/app.log", kAppend);
  const Writers writers = host.ask();
  CHECK(writers.count == 2);
  CHECK(writers.pid == 42);
  CHECK(writers.name == "app");
  CHECK(writers.unit == "app.service");
  CHECK(writers.all_append);
}

TEST_CASE("one writer that does not append is enough to say so") {
  Host host;
  host.process(42, "app", "0::/system.slice/app.service", "log/app.log", kAppend);
  host.process(43, "odd", "0::/", "log/app.log", kPlainWrite);
  CHECK(host.ask().count == 2);
  CHECK_FALSE(host.ask().all_append);
}

TEST_CASE("nobody writes") {
  Host host;
  CHECK(host.ask().count == 0);
  CHECK(host.ask().pid == 0);
  CHECK_FALSE(host.ask().all_append);

  // The same name elsewhere, a descriptor that says nothing about itself, and what is no process.
  host.file("other/app.log", "x");
  host.process(50, "other", "0::/system.slice/other.service", "other/app.log", kAppend);
  host.process(51, "mute", "0::/system.slice/mute.service", "log/app.log", "garbage");
  host.file("proc/version", "x");
  host.dir("proc/sys");
  host.file("proc/52/comm", "gone\n");
  CHECK(host.ask().count == 0);
}

TEST_CASE("a process's name is made harmless") {
  Host host;
  host.process(42, "\x1b[31mx", "0::/system.slice/app.service", "log/app.log", kAppend);
  CHECK(host.ask().name == "?[31mx");
}

TEST_CASE("a file that was deleted and is still written is found in the real /proc, and what grows by it is its work") {
  TempTree tree;
  tree.file("log/other.log", "x");
  const auto proc = open_dir("/proc");
  const std::string path = tree.at("log/gone.log");
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  REQUIRE(file);
  const std::uint64_t inode = tree.inode("log/gone.log"), device = tree.device("log");
  CHECK_FALSE(find_deleted(proc->get(), device).contains(inode));  // it has its name
  REQUIRE(::unlink(path.c_str()) == 0);
  const std::string block(1 << 20, 'x');
  const auto write = [&] {
    REQUIRE(::write(file.get(), block.data(), block.size()) == static_cast<ssize_t>(block.size()));
    disk_used += block.size();
  };
  write();
  const auto found = find_deleted(proc->get(), device);
  REQUIRE(found.contains(inode));
  CHECK(found.at(inode).path == path + " (deleted)");
  CHECK(found.at(inode).writers.pid == static_cast<std::uint32_t>(::getpid()));
  CHECK(found.at(inode).writers.all_append);
  CHECK(find_deleted(proc->get(), device + 1).empty());

  std::vector<LogRoot> roots;
  roots.push_back({"/var/log", std::move(*open_dir(tree.at("log")))});
  Hunt hunt(std::move(roots), std::move(*open_dir("/proc")), Fd(), read_disk);
  CHECK(hunt.step().files.empty());
  write();
  CHECK(hunt.step().files.empty());  // seen, and not yet how fast it grows
  write();
  const Findings findings = hunt.step();
  REQUIRE(findings.files.size() == 1);
  CHECK(findings.files[0].path == path + " (deleted)");
  CHECK(findings.files[0].root.empty());
  CHECK(findings.files[0].share > 0.3);
}

TEST_CASE("many small files that nobody could tell apart are told as the growth of their root") {
  TempTree tree;
  tree.file("spool/old", "x");
  std::vector<LogRoot> roots;
  roots.push_back({"/srv/spool", std::move(*open_dir(tree.at("spool")))});
  Hunt hunt(std::move(roots), std::move(*open_dir("/proc")), Fd(), read_disk);
  CHECK(hunt.step().files.empty());
  for (int i = 0; i < 40; ++i) tree.grow("spool/" + std::to_string(i), 100'000);
  disk_used += 4'100'000;
  ::usleep(60'000);  // a shorter while between two looks says nothing
  const Findings findings = hunt.step();
  REQUIRE(findings.files.size() == 1);
  CHECK(findings.files[0].path == "/srv/spool/*");
  CHECK(findings.files[0].root == "/srv/spool");
  CHECK(findings.files[0].share > 0.9);
  CHECK(findings.files[0].writers.count == 0);
  disk_used += 4'000'000;  // by something else
  ::usleep(60'000);
  CHECK(hunt.step().files.empty());
}
