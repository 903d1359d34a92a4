// SPDX-License-Identifier: Apache-2.0
// An actuator over a real ledger on a host whose clocks the test turns, with one effect that it can tell how to end.
#pragma once

#include <memory>

#include "tests/unit/actuator/actuator_support.h"

namespace hostmedic::test {

class Rig {
 public:
  Rig() {
    policy.tier = Tier::automatic;
    how() = {};
    open();
  }
  // What the effect does, and what it did.
  struct Effect {
    OutcomeResult result = OutcomeResult::done;
    int executed = 0, undone = 0;
    std::string approved_by = {};
    std::vector<Attribute> details = {};
  };
  static Effect& how() {
    static Effect effect;
    return effect;
  }
  // Another life of the actuator over the same ledger.
  void open() {
    actuator.reset();
    stopping = false;
    actuator = std::make_unique<Actuator>(ActuatorParts{.ledger = Ledger::open(dir / "ledger.db"),
                                                        .manager = manager,
                                                        .policy = [this]() -> Result<guard::Policy> { return policy; },
                                                        .wall = [this] { return wall; },
                                                        .uptime = [this] { return uptime; },
                                                        .stopping = [this] { return stopping; },
                                                        .effect_program = {},
                                                        .scratch = {},
                                                        .effects = effects(),
                                                        .boot = "boot " + std::to_string(boot),
                                                        .release_command = {"/bin/true"},
                                                        .busy = {"/proc", ""},
                                                        .approvers = [this]() -> Result<std::string> {
                                                          if (!approvers.empty()) return approvers;
                                                          return make_error(ErrorCode::denied, "no list");
                                                        },
                                                        .host_id = "machine-1",
                                                        .host_name = "web1"});
    actuator->recover();
  }
  void pass(Duration time) { wall += time, uptime += time; }
  void reboot() {
    ++boot;
    uptime = std::chrono::minutes(5);
    open();
  }
  Order order(const std::string& target, const std::string& runbook = "service-restart") {
    Order order = restart_order();
    order.key = std::to_string(100'000'000'000'000'000 + asked_++) + "abcdef";
    order.runbook = runbook;
    order.plan.target.name = target;
    order.issued_at = wall;
    order.expires_at = wall + std::chrono::seconds(30);
    return order;
  }

  // In memory where that can be: thousands of synced writes are not what is tested.
  TempDir dir{std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path()};
  FakeManager manager;
  guard::Policy policy;
  WallTime wall = kNow;
  Duration uptime = std::chrono::hours(1);
  int boot = 1;
  bool stopping = false;
  std::string approvers;  // certificates of those whose word from afar counts
  std::unique_ptr<Actuator> actuator;

 private:
  static std::span<const EffectInfo* const> effects() {
    static const EffectInfo kEffect{
        .action = "service.restart",
        .inspect = [](const Plan&, const EffectContext&, std::string&) { return guard::TargetState::faulty; },
        .execute =
            [](const Order& order, const EffectContext&) {
              ++how().executed;
              how().approved_by = order.approved_by;
              Outcome outcome;
              outcome.result = how().result;
              outcome.details = how().details;
              return outcome;
            },
        .inside = nullptr,
        .undo =
            [](const Order&, const Outcome&, const EffectContext&) {
              ++how().undone;
              Outcome outcome;
              outcome.result = OutcomeResult::done;
              return outcome;
            }};
    static const EffectInfo* const kAll[] = {&kEffect};
    return kAll;
  }
  std::int64_t asked_ = 0;
};

}  // namespace hostmedic::test
