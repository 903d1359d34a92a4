// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/surroundings.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

struct Child {
  pid_t pid = -1;
  ~Child() {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

}  // namespace

TEST_CASE("work is found by the names in /proc, in the array's own file, and never without end") {
  TempDir dir;
  const BusyPaths paths{dir / "proc", dir / "lock"};
  write_file(dir / "proc/1/comm", "systemd\n");
  write_file(dir / "proc/312/comm", "restic\n");
  write_file(dir / "proc/self/comm", "borg\n");          // no number
  std::filesystem::create_directories(dir / "proc/77");  // it ended meanwhile
  CHECK(busy_now(paths, {}) == std::vector<std::string>{"backup: restic, pid 312"});
  write_file(dir / "proc/mdstat", "md0 : active raid1 sda1[0]\n  [>...]  recovery =  0.1% (1/2)\n");
  CHECK(busy_now(paths, {}).front() == "raid-resync: /proc/mdstat tells of one");
  const std::vector<std::string> more{"migration:system*"};
  CHECK(busy_now(paths, more).size() == 3);
  for (int pid = 1000; pid < 1100; ++pid) write_file(dir / ("proc/" + std::to_string(pid) + "/comm"), "pg_dump\n");
  CHECK(busy_now(paths, {}).size() == kMostBusy);
}

TEST_CASE("a /proc that cannot be read is not an idle host") {
  TempDir dir;
  const auto busy = busy_now({dir / "none", dir / "lock"}, {});
  REQUIRE(busy.size() == 1);
  CHECK(busy[0].starts_with("unknown: "));
}

TEST_CASE("the lock of dpkg is a sign by itself") {
  TempDir dir;
  const BusyPaths paths{dir / "proc", dir / "lock"};
  std::filesystem::create_directories(paths.proc);
  write_file(paths.dpkg_lock, "");
  CHECK(busy_now(paths, {}).empty());
  int ready[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  Child child{::fork()};
  if (child.pid == 0) {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    const int fd = ::open(paths.dpkg_lock.c_str(), O_RDWR | O_CLOEXEC);
    if (::fcntl(fd, F_SETLK, &lock) == 0) (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(busy_now(paths, {}) == std::vector<std::string>{"package-manager: the lock of dpkg is held"});
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a real process is seen, and holds back the order that must not disturb it") {
  TempDir dir;
  const std::string program = dir / "restic";
  std::filesystem::copy_file("/bin/sleep", program);
  Child child{::fork()};
  if (child.pid == 0) {
    ::execl(program.c_str(), "restic", "60", nullptr);
    ::_exit(127);
  }
  const std::string expected = "backup: restic, pid " + std::to_string(child.pid);
  const auto seen = [&] {
    const auto busy = busy_now({"/proc", ""}, {});
    return std::find(busy.begin(), busy.end(), expected) != busy.end();
  };
  for (int tries = 0; tries < 200 && !seen(); ++tries) ::usleep(10'000);
  REQUIRE(seen());

  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  Order order = restart_order('a');
  order.not_while = "filesystem-check backup";
  const Outcome held = actuator.carry_out(order);
  CHECK(held.result == OutcomeResult::refused);
  CHECK_MESSAGE(held.text.find("not during backup: ") != std::string::npos, held.text);
  CHECK(bench.manager.restarts == 0);
  order.key = std::string(24, 'b');
  order.not_while.clear();
  CHECK(actuator.carry_out(order).result == OutcomeResult::done);
}

TEST_CASE("related are the services that systemd ties to it, and no targets or slices") {
  FakeManager manager;
  manager.listed = {"app.service", "multi-user.target", "system.slice", "-.mount"};
  const auto related = related_of(manager, {EntityKind::service, "db.service"});
  REQUIRE_FALSE(related.empty());
  for (const Entity& entity : related) CHECK(entity.name == "app.service");
  CHECK(related_of(manager, {EntityKind::filesystem, "/var"}).empty());
  manager.listed = std::vector<std::string>(500, "x.service");
  CHECK(related_of(manager, {EntityKind::service, "db.service"}).size() == kMostRelated);
}

TEST_CASE("nothing is done to a service while an order on one that needs it has no end") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  Order first = restart_order('a');
  first.plan.target.name = "app.service";
  bench.stopping = true;  // its end is not written down
  (void)actuator.carry_out(first);
  bench.stopping = false;
  const int before = bench.manager.restarts;
  bench.manager.now.active_state = "failed";
  bench.manager.listed = {"app.service"};
  const Outcome held = actuator.carry_out(restart_order('b'));
  CHECK(held.result == OutcomeResult::refused);
  CHECK_MESSAGE(held.text.find("service:app.service, on which it depends") != std::string::npos, held.text);
  bench.manager.listed.clear();
  CHECK(actuator.carry_out(restart_order('c')).result == OutcomeResult::done);
  CHECK(bench.manager.restarts == before + 1);
}
