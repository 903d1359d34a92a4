// SPDX-License-Identifier: Apache-2.0
// What effects say of a target that is gone, cannot be asked, or is in a state of its own: nothing unknown is acted on.
#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "agent/base/clock.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;
using guard::TargetState;

namespace {

struct Asking {
  FakeManager manager;
  guard::Policy policy;
  Order order;
  std::string text;
  explicit Asking(const EffectInfo& wanted, Entity target = {EntityKind::service, "app.service"},
                  std::vector<Attribute> parameters = {})
      : effect(wanted) {
    order.key = "0123456789abcdef01234567";
    order.plan.action = wanted.action;
    order.plan.target = std::move(target);
    order.plan.parameters = std::move(parameters);
    order.plan.timeout = std::chrono::seconds(1);
    order.plan.lasts = std::chrono::minutes(1);
  }
  const EffectInfo& effect;
  EffectContext context() { return {manager, policy, "/effect", "/run/scratch", "/no/proc"}; }
  TargetState inspect() { return effect.inspect(order.plan, context(), text); }
  TargetState inspect(const char* active) {
    manager.next_status->active_state = active;
    return inspect();
  }
  Outcome execute() { return effect.execute(order, context()); }
};

const Error kSilent = make_error(ErrorCode::timeout, "systemd is silent");
const Error kNone = make_error(ErrorCode::not_found, "there is no such unit");

}  // namespace

TEST_CASE("a unit that is gone is gone, one that cannot be asked for is unknown, whatever shall be done to it") {
  const EffectInfo* effects[] = {&kServiceRestartEffect,     &kServiceReloadEffect,         &kServiceStartEffect,
                                 &kServiceStopEffect,        &kServiceScaleEffect,          &kServiceLimitEffect,
                                 &kServiceKillProcessEffect, &kProcessFreezeEffect,         &kConnectionsDropEffect,
                                 &kEvidenceCollectEffect,    &kDatabaseTerminateIdleEffect, &kScriptRunEffect};
  for (const EffectInfo* effect : effects) {
    CAPTURE(effect->action);
    Asking asking(*effect, {EntityKind::service, "app@1.service"},
                  {{"direction", "out"}, {"most", "2"}, {"least", "1"}, {"victim", "main"}});
    asking.manager.next_status = kNone;
    CHECK(asking.inspect() == TargetState::gone);
    CHECK(asking.text.find("no such unit") != std::string::npos);
    asking.manager.next_status = kSilent;
    CHECK(asking.inspect() == TargetState::unknown);
    CHECK(asking.text.find("silent") != std::string::npos);
    asking.manager.next_status = UnitStatus{"not-found", "inactive", "dead", "success", 0, 0, ""};
    CHECK(asking.inspect() == TargetState::gone);
  }
}

TEST_CASE("a unit between two states is left to settle, one that does not run has nothing to act on") {
  const struct {
    const EffectInfo& effect;
    const char* active;
    TargetState expected;
  } cases[] = {
      {kServiceKillProcessEffect, "activating", TargetState::changing},
      {kServiceKillProcessEffect, "inactive", TargetState::gone},
      {kProcessFreezeEffect, "activating", TargetState::changing},
      {kProcessFreezeEffect, "failed", TargetState::gone},
      {kServiceLimitEffect, "inactive", TargetState::gone},
      {kConnectionsDropEffect, "deactivating", TargetState::changing},
      {kConnectionsDropEffect, "inactive", TargetState::gone},
      {kDatabaseTerminateIdleEffect, "activating", TargetState::changing},
      {kDatabaseTerminateIdleEffect, "inactive", TargetState::gone},
  };
  for (const auto& one : cases) {
    CAPTURE(one.effect.action);
    CAPTURE(one.active);
    CHECK(Asking(one.effect).inspect(one.active) == one.expected);
  }
}

TEST_CASE("who wants a unit, and who would be stopped with it, must be known") {
  Asking start(kServiceStartEffect), stop(kServiceStopEffect);
  start.manager.refuses = stop.manager.refuses = kSilent;
  CHECK(start.inspect("failed") == TargetState::unknown);
  CHECK(start.text.find("who wants it cannot be asked") != std::string::npos);
  CHECK(stop.inspect("active") == TargetState::unknown);
  CHECK(stop.text.find("what depends on it cannot be asked") != std::string::npos);
}

TEST_CASE("a job is not believed to have helped when nobody says how the unit is afterwards") {
  FakeManager manager;
  guard::Policy policy;
  manager.next_status = kSilent;
  const Outcome outcome =
      run_job("app.service", UnitJob::restart, std::chrono::seconds(1), {manager, policy, "/effect", "/run/scratch"});
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text == "restart done, but then: " + kSilent.message());
}

TEST_CASE("the main process is the one that systemd names, or none") {
  Asking asking(kServiceKillProcessEffect, {EntityKind::service, "app.service"}, {{"victim", "main"}});
  asking.manager.next_status->main_pid = 0;
  CHECK(asking.inspect() == TargetState::gone);
  CHECK(asking.text.find("has no main process") != std::string::npos);
  CHECK(asking.execute().result == OutcomeResult::failed);
  CHECK(asking.manager.ran.empty());
}

TEST_CASE("limits that cannot be read, set or put back are told, and nothing else is done") {
  const std::vector<Attribute> wanted{{"tasks_max", "100"}};
  Asking asking(kServiceLimitEffect, {EntityKind::service, "app.service"}, wanted);
  Outcome outcome = asking.execute();  // this systemd knows no such property
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("TasksMax is not known") != std::string::npos);
  asking.manager.refuses = kSilent;
  CHECK(asking.execute().text.find("silent") != std::string::npos);
  CHECK(asking.inspect() == TargetState::unknown);

  struct Deaf : FakeManager {
    Status set_numbers(const std::string&, std::span<const UnitNumber>) override { return kSilent; }
  } deaf;
  deaf.present = {{"TasksMax", 100}};
  Outcome first;
  first.details = {{"was_tasks_max", "50"}, {"now_tasks_max", "100"}};
  guard::Policy policy;
  outcome = kServiceLimitEffect.undo(asking.order, first, {deaf, policy, "/effect", "/run/scratch"});
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("silent") != std::string::npos);
  CHECK(deaf.ran.empty());
}

TEST_CASE("instances are left alone while one of them starts, and beyond those that are looked at") {
  Asking asking(kServiceScaleEffect, {EntityKind::service, "app@2.service"},
                {{"direction", "out"}, {"most", "4"}, {"least", "1"}});
  CHECK(asking.inspect("activating") == TargetState::changing);
  CHECK(asking.text.find("app@1.service is starting or stopping") != std::string::npos);
  for (const char* beyond : {"app@0.service", "app@33.service"}) {
    asking.order.plan.target.name = beyond;
    CHECK(asking.inspect("active") == TargetState::unknown);
    CHECK(asking.execute().result == OutcomeResult::failed);
  }
  CHECK(asking.manager.jobs.empty());
}

TEST_CASE("a file system that cannot be asked how full it is") {
  const struct {
    const char* path;
    TargetState expected;
  } cases[] = {{"/no/such/mount", TargetState::gone}, {"/proc/version", TargetState::unknown}};
  for (const auto& one : cases) {
    Asking reopen(kDeletedFilesReopenEffect, {EntityKind::filesystem, one.path});
    CHECK(reopen.inspect() == one.expected);
    CHECK(reopen.execute().result == OutcomeResult::failed);
    CHECK(reopen.manager.ran.empty());
    Asking clean(kFilesCleanEffect, {EntityKind::filesystem, one.path}, {{"clean_root", "/srv"}});
    clean.policy.clean_roots = {"/srv"};
    CHECK(clean.inspect() == one.expected);
  }
  const Asking gone(kDeletedFilesReopenEffect, {EntityKind::filesystem, "/no/such/mount"});
  CHECK(kDeletedFilesReopenEffect.inside(gone.order.plan, {"/proc", "/run"}) == kEffectFailed);
}

TEST_CASE("only what lies on the full file system itself is cleaned") {
  TempDir dir;
  std::filesystem::create_directories(dir / "old");
  for (const char* target : {"/proc", "/no/such/mount"}) {
    const Asking clean(kFilesCleanEffect, {EntityKind::filesystem, target}, {{"clean_root", dir / "old"}});
    CHECK(kFilesCleanEffect.inside(clean.order.plan, {"/proc", "/run"}) == kEffectFailed);
  }
}

TEST_CASE("deleted files that a reload does not let go of are a failure, and so is a look that did not end") {
  Asking asking(kDeletedFilesReopenEffect, {EntityKind::filesystem, "/proc"}, {{"least", "1MiB"}});
  asking.manager.next_run = TransientResult{true, "exit-code", kEffectFailed, "text=no\n"};
  CHECK(asking.execute().result == OutcomeResult::failed);
  CHECK(asking.manager.jobs.empty());
  asking.manager.next_run = TransientResult{true, "success", 0, "candidate_1=app.service 2000000\n"};
  const Outcome outcome = asking.execute();
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text == "app.service was reloaded but still holds its deleted files");
  CHECK(asking.manager.jobs == std::vector<std::string>{"reload app.service"});
}

TEST_CASE("a service that does not run with the file put back gets its own back, and is told of") {
  Asking asking(kConfigRollbackEffect, {EntityKind::service, "app.service"}, {{"apply", "restart"}});
  asking.manager.next_status->active_state = "failed";
  const Outcome outcome = asking.execute();
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("app.service is failed with it; the file was put back") != std::string::npos);
  CHECK(asking.manager.ran.size() == 2);
  CHECK(asking.manager.jobs.size() == 2);
}

TEST_CASE("a service that its package's script did not start is started after the roll-back") {
  Asking asking(kPackageRollbackEffect);
  asking.manager.next_status->active_state = "failed";
  const Outcome outcome = asking.execute();
  CHECK(outcome.result == OutcomeResult::done);
  CHECK(outcome.text.find("app.service was started") != std::string::npos);
  asking.manager.next_job = kSilent;
  CHECK(asking.execute().text.find("silent") != std::string::npos);
}

TEST_CASE("evidence needs the directory that the package made") {
  if (::access("/var/lib/hostmedic-actuator", F_OK) == 0) return;  // this host has one
  Asking asking(kEvidenceCollectEffect);
  const Outcome outcome = asking.execute();
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("/var/lib/hostmedic-actuator") != std::string::npos);
  CHECK(asking.manager.ran.empty());
}

TEST_CASE("a script that is not there is not run, nor one that nobody named for taking back") {
  Asking asking(kScriptRunEffect, {EntityKind::service, "app.service"}, {{"script", "hm-no-such-script"}});
  CHECK(asking.inspect() == TargetState::unknown);
  CHECK(asking.execute().result == OutcomeResult::failed);
  CHECK(kScriptRunEffect.undo(asking.order, {}, asking.context()).text ==
        "the runbook names no script that takes it back");
  asking.order.plan.parameters.push_back({"undo", "hm-no-such-script"});
  CHECK(kScriptRunEffect.undo(asking.order, {}, asking.context()).result == OutcomeResult::failed);
  CHECK(asking.manager.ran.empty());
}

TEST_CASE("a container that nobody knows is no target") {
  Asking evidence(kEvidenceCollectEffect, {EntityKind::container, "0123456789ab"});
  CHECK(evidence.inspect() != TargetState::faulty);
  Asking journal(kJournalVacuumEffect, {EntityKind::filesystem, "/"});  // without a size to come down to
  CHECK(journal.inspect() == TargetState::unknown);
}

TEST_CASE("a host is cut off by a human's word only, and never from whom the policy lists") {
  for (const auto& [allow, expected] :
       {std::pair{"none", "allow=192.0.2.9"}, {"10.0.0.1", "allow=10.0.0.1,192.0.2.9"}}) {
    Asking asking(kHostSegmentEffect, {}, {{"for", "60s"}, {"allow", allow}});
    asking.policy.never_block = {"192.0.2.9", "198.51.100.*"};
    CHECK(asking.execute().result == OutcomeResult::refused);
    CHECK(asking.manager.ran.empty());
    asking.order.approved_by = "uid 0 (root)";
    CHECK(asking.execute().result == OutcomeResult::done);
    REQUIRE(asking.manager.ran.size() == 1);
    CHECK(std::ranges::find(asking.manager.ran[0].argv, expected) != asking.manager.ran[0].argv.end());
  }
}

TEST_CASE("what is no address is not asked about in the network") {
  for (const EffectInfo* effect : {&kPeerBlockEffect, &kCircuitOpenEffect}) {
    Asking asking(*effect, {EntityKind::endpoint, "example.org"});
    CHECK(asking.inspect() == TargetState::unknown);
  }
}
