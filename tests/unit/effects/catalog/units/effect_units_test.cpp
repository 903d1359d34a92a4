// SPDX-License-Identifier: Apache-2.0
// Effects that only ask the service manager: what they look at first, and how they put things back.
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
  std::string text;
  explicit Setting(std::string action, std::string unit = "nginx.service") {
    order.key = "0123456789abcdef01234567";
    order.plan.action = std::move(action);
    order.plan.target = {EntityKind::service, std::move(unit)};
    order.plan.timeout = std::chrono::seconds(5);
  }
  EffectContext context() { return {manager, policy, "/usr/lib/hostmedic/hostmedic-effect", "/run/scratch"}; }
  TargetState inspect(const EffectInfo& effect, const char* active, const char* result = "success") {
    manager.next_status = UnitStatus{"loaded", active, "x", result, 42, 0, ""};
    return effect.inspect(order.plan, context(), text);
  }
};

std::string detail(const Outcome& outcome, std::string_view key) {
  for (const Attribute& one : outcome.details)
    if (one.key == key) return one.value;
  return "(none)";
}

}  // namespace

TEST_CASE("what runs is reloaded, what does not is not") {
  Setting setting("service.reload");
  CHECK(setting.inspect(kServiceReloadEffect, "active") == TargetState::faulty);
  CHECK(setting.inspect(kServiceReloadEffect, "failed") == TargetState::gone);
  CHECK(setting.inspect(kServiceReloadEffect, "reloading") == TargetState::changing);
}

TEST_CASE("service.start looks whether the unit is wanted and who ended it") {
  Setting setting("service.start");
  setting.order.plan.parameters = {{"stopped", "leave"}};
  setting.manager.listed = {"multi-user.target"};
  CHECK(setting.inspect(kServiceStartEffect, "failed", "signal") == TargetState::faulty);
  CHECK(setting.text.find("multi-user.target wants it") != std::string::npos);
  CHECK(setting.inspect(kServiceStartEffect, "active") == TargetState::recovered);
  CHECK(setting.inspect(kServiceStartEffect, "inactive") == TargetState::recovered);
  CHECK(setting.inspect(kServiceStartEffect, "activating") == TargetState::changing);
  setting.order.plan.parameters = {{"stopped", "start"}};
  CHECK(setting.inspect(kServiceStartEffect, "inactive") == TargetState::faulty);
  setting.manager.listed.clear();
  CHECK(setting.inspect(kServiceStartEffect, "inactive") == TargetState::recovered);
}

TEST_CASE("a service is started again only if it was stopped by the order") {
  Setting setting("service.stop");
  setting.manager.next_status = UnitStatus{"loaded", "active", "running", "success", 42, 0, ""};
  Outcome first = kServiceStopEffect.execute(setting.order, setting.context());
  CHECK(first.result == OutcomeResult::failed);  // it is active still
  CHECK(detail(first, "was_active_state") == "active");
  CHECK(kServiceStopEffect.undo(setting.order, first, setting.context()).result == OutcomeResult::done);
  CHECK(setting.manager.jobs == std::vector<std::string>{"stop nginx.service", "start nginx.service"});
  first.details = {{"was_active_state", "inactive"}};
  CHECK(kServiceStopEffect.undo(setting.order, first, setting.context()).result == OutcomeResult::unnecessary);
  first.details.clear();
  CHECK(kServiceStopEffect.undo(setting.order, first, setting.context()).result == OutcomeResult::unnecessary);
  CHECK(setting.manager.jobs.size() == 2);
}

TEST_CASE("nothing is stopped that something active requires") {
  Setting setting("service.stop");
  setting.manager.listed = {"shop.service", "other.target"};
  CHECK(setting.inspect(kServiceStopEffect, "active") == TargetState::unknown);
  CHECK(setting.text.find("shop.service") != std::string::npos);
  setting.manager.listed = {"other.target"};
  CHECK(setting.inspect(kServiceStopEffect, "active") == TargetState::faulty);
  CHECK(setting.inspect(kServiceStopEffect, "inactive") == TargetState::recovered);
}

namespace {
// Takes what it is told, as systemd would; `stuck`: it says yes and changes nothing.
struct Keeper : FakeManager {
  bool stuck = false;
  Status set_numbers(const std::string& unit, std::span<const UnitNumber> wanted) override {
    for (const UnitNumber& one : wanted)
      for (UnitNumber& known : present)
        if (known.name == one.name && !stuck) known.value = one.value;
    return FakeManager::set_numbers(unit, wanted);
  }
  std::uint64_t value(std::string_view name) const {
    for (const UnitNumber& one : present)
      if (one.name == name) return one.value;
    return 0;
  }
};
}  // namespace

TEST_CASE("limits are set, read back and put back exactly") {
  Keeper manager;
  manager.present = {{"MemoryMax", kNoLimit}, {"TasksMax", 100}, {"MemoryCurrent", 200 << 20}};
  Setting setting("service.limit");
  const EffectContext context{manager, setting.policy, "/effect", "/run/scratch"};
  setting.order.plan.parameters = {{"memory_max", "512MiB"}, {"tasks_max", "x1.5"}};
  std::string text;
  CHECK(kServiceLimitEffect.inspect(setting.order.plan, context, text) == TargetState::faulty);
  const Outcome first = kServiceLimitEffect.execute(setting.order, context);
  CHECK(first.result == OutcomeResult::done);
  CHECK(manager.value("MemoryMax") == 512 << 20);
  CHECK(manager.value("TasksMax") == 150);
  CHECK(detail(first, "was_memory_max") == std::to_string(kNoLimit));
  CHECK(kServiceLimitEffect.inspect(setting.order.plan, context, text) == TargetState::faulty);  // x1.5 again
  manager.present[1].value = 300;                                                                // somebody's own
  const Outcome back = kServiceLimitEffect.undo(setting.order, first, context);
  CHECK(back.result == OutcomeResult::done);
  CHECK(manager.value("MemoryMax") == kNoLimit);
  CHECK(manager.value("TasksMax") == 300);
  CHECK(back.text.find("set by somebody since: TasksMax") != std::string::npos);
  CHECK(kServiceLimitEffect.undo(setting.order, first, context).result == OutcomeResult::unnecessary);
}

TEST_CASE("a limit that does not take is a failure, one below what is in use is not set") {
  Keeper manager;
  manager.stuck = true;
  manager.present = {{"MemoryMax", kNoLimit}, {"MemoryCurrent", 600 << 20}};
  Setting setting("service.limit");
  const EffectContext context{manager, setting.policy, "/effect", "/run/scratch"};
  setting.order.plan.parameters = {{"memory_max", "512MiB"}};
  std::string text;
  CHECK(kServiceLimitEffect.inspect(setting.order.plan, context, text) == TargetState::unknown);
  CHECK(text.find("would end it") != std::string::npos);
  const Outcome outcome = kServiceLimitEffect.execute(setting.order, context);
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("read back") != std::string::npos);
  CHECK(manager.set.back().value == kNoLimit);  // what it was
  manager.present = {};
  CHECK(kServiceLimitEffect.inspect(setting.order.plan, context, text) == TargetState::unknown);
}

TEST_CASE("a freeze has an end, and is not for what has a watchdog") {
  Setting setting("process.freeze");
  setting.order.plan.parameters = {{"victim", "most_cpu"}};
  setting.manager.next_status = UnitStatus{"loaded", "active", "running", "success", 42, 0, ""};
  const auto look = [&] { return kProcessFreezeEffect.inspect(setting.order.plan, setting.context(), setting.text); };
  setting.manager.next_status->freezer_state = "running";
  CHECK(look() == TargetState::unknown);
  CHECK(setting.text == "the freeze has no end");
  setting.order.plan.lasts = std::chrono::minutes(1);
  CHECK(look() == TargetState::faulty);
  setting.manager.next_status->freezer_state = "frozen";
  CHECK(look() == TargetState::recovered);
  setting.manager.next_status->freezer_state.clear();
  CHECK(look() == TargetState::unknown);
  setting.manager.next_status->freezer_state = "running";
  setting.manager.present = {{"WatchdogUSec", 30'000'000}};
  CHECK(look() == TargetState::unknown);
  CHECK(setting.text.find("watchdog") != std::string::npos);
  setting.manager.present = {{"WatchdogUSec", 0}};
  CHECK(look() == TargetState::faulty);
  CHECK(kProcessFreezeEffect.execute(setting.order, setting.context()).result == OutcomeResult::done);
  CHECK(kProcessFreezeEffect.undo(setting.order, {}, setting.context()).result == OutcomeResult::done);
  CHECK(setting.manager.frozen == std::vector<std::string>{"freeze nginx.service", "thaw nginx.service"});
}

TEST_CASE("scaling takes the first idle instance, and its undo that one") {
  struct Instances : FakeManager {
    std::vector<std::string> active{"w@1.service"};
    Result<UnitStatus> status(const std::string& unit) override {
      const bool runs = std::find(active.begin(), active.end(), unit) != active.end();
      return UnitStatus{"loaded", runs ? "active" : "inactive", "x", "success", 0, 0, ""};
    }
    Status job(const std::string& unit, UnitJob job, Duration most) override {
      if (job == UnitJob::start) active.push_back(unit);
      if (job == UnitJob::stop) std::erase(active, unit);
      return FakeManager::job(unit, job, most);
    }
  } manager;
  Setting setting("service.scale", "w@1.service");
  const EffectContext context{manager, setting.policy, "/effect", "/run/scratch"};
  setting.order.plan.parameters = {{"direction", "out"}, {"most", "2"}, {"least", "1"}};
  const Outcome first = kServiceScaleEffect.execute(setting.order, context);
  CHECK(detail(first, "instance") == "w@2.service");
  std::string text;
  CHECK(kServiceScaleEffect.inspect(setting.order.plan, context, text) == TargetState::recovered);
  CHECK(kServiceScaleEffect.undo(setting.order, first, context).result == OutcomeResult::done);
  CHECK(manager.jobs == std::vector<std::string>{"start w@2.service", "stop w@2.service"});
  Outcome other = first;
  for (Attribute& one : other.details)
    if (one.key == "instance") one.value = "sshd@1.service";
  CHECK(kServiceScaleEffect.undo(setting.order, other, context).result == OutcomeResult::failed);
  setting.policy.protected_entities = {"service:w@2*"};
  CHECK(kServiceScaleEffect.execute(setting.order, context).result == OutcomeResult::refused);
  CHECK(manager.jobs.size() == 2);
}
