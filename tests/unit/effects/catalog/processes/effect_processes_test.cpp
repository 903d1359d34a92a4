// SPDX-License-Identifier: Apache-2.0
// Processes of a procfs that the test writes, and of the real one for what has to be ended.
#include "actions/catalog/effect_processes.h"

#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "actions/catalog/effect_victim.h"
#include "tests/unit/effects/fake_proc.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// Takes SIGTERM as told; the test program's own handler is not for it.
ProcessSeen real_child(void (*on_term)(int)) {
  const auto before = ::signal(SIGTERM, on_term);
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  ::signal(SIGTERM, before);
  auto seen = read_process("/proc", pid);
  REQUIRE(seen);
  return *seen;
}

}  // namespace

TEST_CASE("processes are read whatever their names are") {
  TempDir proc;
  put(proc, 10, "a) S 1 (b", "app.service", 5);
  put(proc, 11, "kworker/0:1", "", 0, 'I', 2, 0x208040);
  write(proc / "garbage", "x");
  std::filesystem::create_directories(proc / "12");
  write(proc / "12/stat", "12 (cut");
  std::filesystem::create_directories(proc / "13");
  write(proc / "13/stat", "13 (x) S 1 1 1");
  const auto processes = list_processes(proc.path);
  REQUIRE(processes.size() == 1);
  CHECK(processes[0].name == "a) S 1 (b");
  CHECK(processes[0].parent == 1);
  CHECK(processes[0].cpu_ticks == 100);
  CHECK(processes[0].nice == 5);
  CHECK(processes[0].threads == 3);
  CHECK(processes[0].started == 1010);
  CHECK(unit_of_process(proc.path, 10) == "app.service");
  CHECK(memory_of(proc.path, 10) == 5 << 20);
  CHECK_FALSE(memory_of(proc.path, 12));
  CHECK(unit_of_process(proc.path, 99).empty());
  write(proc / "10/cgroup",
        "12:pids:/x.service\n1:name=systemd:/user.slice/user-1000.slice/user@1000.service/a.scope\n0::/\n");
  CHECK(unit_of_process(proc.path, 10) == "user@1000.service");
}

TEST_CASE("the smallest that suffices is chosen, or the largest") {
  TempDir proc;
  put(proc, 20, "app", "app.service", 300);
  put(proc, 21, "app", "app.service", 60);
  put(proc, 22, "app", "app.service", 90);
  put(proc, 23, "app", "app.service", 10);
  put(proc, 24, "app", "other.service", 70);
  put(proc, 25, "app", "app.service", 0, 'Z');
  VictimQuery query{.unit = "app.service", .name = {}, .spare = {}, .need = 50 << 20};
  CHECK(find_victim(proc.path, query)->process.pid == 21);
  query.need = 80 << 20;
  CHECK(find_victim(proc.path, query)->process.pid == 22);
  query.need = 1 << 30;
  CHECK(find_victim(proc.path, query)->process.pid == 20);
  query.least_share = 0.9;
  CHECK(find_victim(proc.path, query).error().code == ErrorCode::limit);
  query = {.unit = {}, .name = "app", .spare = {}, .least = 400 << 20};
  CHECK(find_victim(proc.path, query).error().code == ErrorCode::limit);
  query = {.unit = "none.service", .name = {}, .spare = {}};
  CHECK(find_victim(proc.path, query).error().code == ErrorCode::not_found);
}

TEST_CASE("who keeps the host together is spared, and whom the policy protects") {
  TempDir proc;
  put(proc, 30, "sshd", "session-1.scope", 500);
  put(proc, 31, "dbus-daemon", "dbus.service", 400);
  put(proc, 32, "hostmedicd", "hostmedic.service", 300);
  put(proc, 33, "java", "shop.service", 200);
  put(proc, 34, "worker", "my app.service", 100);
  put(proc, 35, "perl", "docker-abc.scope", 90);
  put(proc, 36, "python3", "app.service", 5);
  guard::Policy policy;
  policy.protected_entities = {"process:java", "service:my app*", "container:abc"};
  VictimQuery query{.unit = {}, .name = {}, .spare = spare_text(policy)};
  const auto victim = find_victim(proc.path, query);
  REQUIRE(victim);
  CHECK(victim->process.pid == 36);
  query.least_share = 0.2;  // of what all take, also those that are spared
  CHECK(find_victim(proc.path, query).error().code == ErrorCode::limit);
  query = {.unit = {}, .name = "sshd", .spare = {}};
  CHECK(find_victim(proc.path, query).error().code == ErrorCode::denied);
  ProcessSeen init;
  init.pid = 1;
  CHECK_FALSE(why_spared(init, "", "").empty());
}

TEST_CASE("a process is ended for certain, and only that one") {
  const ProcessSeen child = real_child(SIG_DFL);
  ProcessSeen other = child;
  other.started += 1;  // the number was given to another process
  CHECK(open_process("/proc", other).error().code == ErrorCode::not_found);
  CHECK(end_process("/proc", other, Duration{}, std::chrono::seconds(1)).error().code == ErrorCode::not_found);
  CHECK(::kill(child.pid, 0) == 0);
  const auto ended = end_process("/proc", child, std::chrono::seconds(5), std::chrono::seconds(10));
  REQUIRE(ended);
  CHECK_FALSE(ended->killed);
  int status = 0;
  CHECK(::waitpid(child.pid, &status, 0) == child.pid);
  CHECK(WTERMSIG(status) == SIGTERM);
  CHECK(open_process("/proc", child).error().code == ErrorCode::not_found);
}

TEST_CASE("who does not listen is killed after the grace") {
  const ProcessSeen child = real_child(SIG_IGN);
  const auto ended = end_process("/proc", child, std::chrono::milliseconds(200), std::chrono::seconds(10));
  REQUIRE(ended);
  CHECK(ended->killed);
  CHECK(ended->took >= std::chrono::milliseconds(200));
  int status = 0;
  CHECK(::waitpid(child.pid, &status, 0) == child.pid);
  CHECK(WTERMSIG(status) == SIGKILL);
}
