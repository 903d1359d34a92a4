// SPDX-License-Identifier: Apache-2.0
// process.terminate, .freeze, .renice and zombies.reap against processes that end, hide, or do not listen.
#include <sys/wait.h>

#include <csignal>

#include "actions/catalog/effect_processes.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_victim.h"
#include "tests/unit/effects/fake_proc.h"

using namespace hostmedic;
using namespace hostmedic::test;
using guard::TargetState;

namespace {

constexpr int kNobody = 0x7ffffff0;  // beyond any process number of the kernel

struct Setting {
  TempDir proc;
  FakeManager manager;
  guard::Policy policy;
  Order order;
  std::string text;
  explicit Setting(const EffectInfo& wanted, Entity target, std::vector<Attribute> parameters) : effect(wanted) {
    order.plan.action = wanted.action;
    order.plan.target = std::move(target);
    order.plan.parameters = std::move(parameters);
    order.plan.timeout = std::chrono::seconds(10);
    order.plan.lasts = std::chrono::minutes(1);
  }
  const EffectInfo& effect;
  EffectContext context() { return {manager, policy, "/effect", "/run/scratch", proc.path}; }
  TargetState inspect() { return effect.inspect(order.plan, context(), text); }
  int inside() { return effect.inside(order.plan, {proc.path, "/run/scratch"}); }
};

// A child of ours that only waits, as the procfs of the test has it: by its own number, in state 'S' for ever.
struct Child {
  pid_t pid = -1;
  explicit Child(const TempDir& proc, const std::string& name = "app") {
    const auto before = ::signal(SIGTERM, SIG_DFL);  // the test program's own handler is not for it
    pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    ::signal(SIGTERM, before);
    put(proc, pid, name, "app.service", 50);
  }
  ~Child() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

const Entity kApp{EntityKind::process, "app"};

}  // namespace

TEST_CASE("threads and descriptors are counted, and told in words") {
  TempDir proc;
  put(proc, 20, "app", "app.service", 300);
  write(proc / "20/fd/0", "");
  for (const auto& [measure, words] : {std::pair{"most_threads", "3 threads"}, {"most_fds", "1 descriptors"}}) {
    VictimQuery query{.unit = {}, .name = "app", .spare = {}, .by = *measure_from(measure)};
    const auto victim = find_victim(proc.path, query);
    REQUIRE(victim);
    CHECK(in_words(query.by, victim->value) == words);
  }
  CHECK_FALSE(measure_from("loudest"));
  write(proc / "20/cgroup", "0::/\n");
  CHECK(unit_of_process(proc.path, 20).empty());
  write(proc / "20/cgroup", "0::/user.slice/user-0.slice\n");
  CHECK(unit_of_process(proc.path, 20).empty());
}

TEST_CASE("nobody is ended who is gone, or whom the host needs") {
  Setting none(kProcessTerminateEffect, kApp, {{"victim", "largest_memory"}});
  CHECK(none.inspect() == TargetState::gone);
  CHECK(none.inside() == kEffectUnnecessary);
  put(none.proc, kNobody, "app", "app.service", 50);  // ended since it was listed
  CHECK(none.inside() == kEffectUnnecessary);
  Setting spared(kProcessTerminateEffect, {EntityKind::process, "sshd"}, {{"victim", "largest_memory"}});
  put(spared.proc, kNobody, "sshd", "ssh.service", 50);
  CHECK(spared.inspect() == TargetState::unknown);
  CHECK(spared.inside() == kEffectFailed);
}

TEST_CASE("a process is ended although the memory of the host is not told") {
  Setting setting(kProcessTerminateEffect, kApp, {{"victim", "largest_memory"}, {"grace", "5s"}});
  const Child child(setting.proc);
  write(setting.proc / "meminfo", "MemTotal: 1000 kB\n");
  CHECK(setting.inside() == kEffectDone);
}

TEST_CASE("a freeze looks for its process, and spares whom a watchdog or the policy keeps") {
  Setting setting(kProcessFreezeEffect, kApp, {{"victim", "largest_memory"}});
  CHECK(setting.inspect() == TargetState::gone);
  CHECK(setting.inside() == kEffectUnnecessary);
  put(setting.proc, kNobody, "app", "app.service", 50);
  CHECK(setting.inspect() == TargetState::faulty);
  CHECK(setting.inside() == kEffectUnnecessary);  // it has ended since
  setting.manager.present = {{"WatchdogUSec", 30'000'000}};
  CHECK(setting.inspect() == TargetState::unknown);
  CHECK(setting.text.find("app.service has a watchdog") != std::string::npos);
  setting.policy.protected_entities = {"process:app"};
  CHECK(setting.inspect() == TargetState::unknown);
  CHECK(setting.text.find("protected by") != std::string::npos);
  setting.order.plan.parameters.push_back({"spare", "process:app"});
  CHECK(setting.inside() == kEffectFailed);
}

TEST_CASE("a process that is not seen to stop is a failure, and whom to let go on must be known") {
  Setting setting(kProcessFreezeEffect, kApp, {{"victim", "largest_memory"}});
  const Child child(setting.proc);
  CHECK(setting.inside() == kEffectFailed);
  const std::vector<Attribute> untold{{"was_pid", "1"}};
  CHECK(kProcessFreezeEffect.undo_inside(setting.order.plan, untold, {setting.proc.path, ""}) == kEffectFailed);
}

TEST_CASE("a priority is set for whom there is, and not for whom the policy protects") {
  Setting setting(kProcessReniceEffect, kApp, {{"nice", "19"}, {"io", "idle"}});
  CHECK(setting.inspect() == TargetState::gone);
  put(setting.proc, kNobody, "app", "app.service", 50);
  CHECK(setting.inspect() == TargetState::faulty);
  CHECK(setting.inside() == kEffectUnnecessary);  // it has ended since
  setting.policy.protected_entities = {"process:app"};
  CHECK(setting.inspect() == TargetState::unknown);
}

TEST_CASE("dead children are few, or stay although their parent was restarted") {
  Setting setting(kZombiesReapEffect, {EntityKind::host, ""}, {{"least", "3"}, {"how", "restart"}});
  CHECK(setting.inspect() == TargetState::recovered);
  put(setting.proc, 20, "app", "app.service", 50);
  for (int pid = 21; pid < 23; ++pid) put(setting.proc, pid, "app", "app.service", 0, 'Z', 20);
  CHECK(setting.inspect() == TargetState::recovered);
  CHECK(setting.text == "pid 20 (app) of app.service has 2 dead children");
  setting.order.plan.parameters[0].value = "2";
  CHECK(setting.inspect() == TargetState::faulty);
  const Outcome outcome = kZombiesReapEffect.execute(setting.order, setting.context());
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("still does not ask for its dead children") != std::string::npos);
  CHECK(setting.manager.jobs == std::vector<std::string>{"restart app.service"});
}
