// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"

namespace hostmedic {
namespace {

using guard::TargetState;

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  UnitStatus status;
  const TargetState seen = look_at_unit(plan.target.name, context, status, ret_text);
  if (seen != TargetState::faulty) return seen;
  if (status.active_state == "failed") return TargetState::faulty;
  if (status.active_state == "active")
    return plan.get("active") == "restart" ? TargetState::faulty : TargetState::recovered;
  if (status.active_state == "inactive") {
    ret_text += ": stopped, not failed";
    return TargetState::recovered;
  }
  // "activating" covers a restart that systemd has pending (auto-restart).
  return TargetState::changing;
}

Outcome execute(const Order& order, const EffectContext& context) {
  return run_job(order.plan.target.name, UnitJob::restart, order.plan.timeout, context);
}

}  // namespace

const EffectInfo kServiceRestartEffect{
    .action = "service.restart", .inspect = inspect, .execute = execute, .inside = nullptr};

}  // namespace hostmedic
