// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_table.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;
using guard::TargetState;

namespace {
struct Setting {
  FakeManager manager;
  guard::Policy policy;
  Order order;
  Setting() {
    order.key = "0123456789abcdef01234567";
    order.plan.action = "service.restart";
    order.plan.target = {EntityKind::service, "nginx.service"};
    order.plan.timeout = std::chrono::seconds(5);
  }
  EffectContext context() { return {manager, policy, "/usr/lib/hostmedic/hostmedic-effect", "/run/scratch"}; }
  TargetState inspect(const char* load, const char* active, const char* sub, const char* result) {
    manager.next_status = UnitStatus{load, active, sub, result, 0, 0, ""};
    return kServiceRestartEffect.inspect(order.plan, context(), text);
  }
  std::string text;
};
}  // namespace

TEST_CASE("service.restart acts on a failed unit only") {
  Setting setting;
  CHECK(setting.inspect("loaded", "failed", "failed", "signal") == TargetState::faulty);
  CHECK(setting.text == "nginx.service is failed (failed, signal)");
  CHECK(setting.inspect("loaded", "active", "running", "success") == TargetState::recovered);
  CHECK(setting.inspect("loaded", "inactive", "dead", "success") == TargetState::recovered);
  CHECK(setting.inspect("loaded", "activating", "auto-restart", "signal") == TargetState::changing);
  CHECK(setting.inspect("loaded", "deactivating", "stop-sigterm", "success") == TargetState::changing);
  CHECK(setting.inspect("loaded", "reloading", "reload", "success") == TargetState::changing);
  CHECK(setting.inspect("not-found", "inactive", "dead", "success") == TargetState::gone);
  CHECK(setting.inspect("masked", "inactive", "dead", "success") == TargetState::gone);
  setting.manager.next_status = make_error(ErrorCode::timeout, "no answer");
  CHECK(kServiceRestartEffect.inspect(setting.order.plan, setting.context(), setting.text) == TargetState::unknown);
}

TEST_CASE("service.restart reports what it measured") {
  Setting setting;
  Outcome outcome = kServiceRestartEffect.execute(setting.order, setting.context());
  CHECK(outcome.result == OutcomeResult::done);
  CHECK(setting.manager.jobs == std::vector<std::string>{"restart nginx.service"});
  bool has_pid = false;
  for (const Attribute& detail : outcome.details)
    has_pid = has_pid || (detail.key == "main_pid" && detail.value == "42");
  CHECK(has_pid);

  setting.manager.next_status = UnitStatus{"loaded", "failed", "failed", "exit-code", 0, 0, ""};
  CHECK(kServiceRestartEffect.execute(setting.order, setting.context()).result == OutcomeResult::failed);
  setting.manager.next_job = make_error(ErrorCode::timeout, "not within 5s");
  CHECK(kServiceRestartEffect.execute(setting.order, setting.context()).result == OutcomeResult::timed_out);
}
