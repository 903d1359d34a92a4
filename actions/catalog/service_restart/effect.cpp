// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_table.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

std::string words(const std::string& unit, const UnitStatus& status) {
  std::string text = unit + " is " + printable(status.active_state, 40) + " (" + printable(status.sub_state, 40);
  if (!status.result.empty() && status.result != "success") text += ", " + printable(status.result, 40);
  return text + ")";
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string& unit = plan.target.name;
  const auto status = context.manager.status(unit);
  if (!status) {
    ret_text = status.error().message();
    return status.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  if (status->load_state != "loaded") {
    ret_text = unit + " is " + printable(status->load_state, 40);
    return TargetState::gone;
  }
  ret_text = words(unit, *status);
  if (status->active_state == "failed") return TargetState::faulty;
  // "activating" covers a restart that systemd has pending (auto-restart).
  if (status->active_state == "active") return TargetState::recovered;
  if (status->active_state == "inactive") {
    ret_text += ": stopped, not failed";
    return TargetState::recovered;
  }
  return TargetState::changing;
}

Outcome execute(const Order& order, const EffectContext& context) {
  const std::string& unit = order.plan.target.name;
  const MonoTime begin = mono_now();
  const Status restarted = context.manager.job(unit, UnitJob::restart, order.plan.timeout);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(mono_now() - begin).count();

  Outcome outcome;
  outcome.details.push_back({"took_ms", strf("%lld", static_cast<long long>(took))});
  const auto status = context.manager.status(unit);
  if (status) {
    outcome.details.push_back({"active_state", printable(status->active_state, 40)});
    outcome.details.push_back({"main_pid", strf("%u", status->main_pid)});
    outcome.details.push_back({"restarts", strf("%u", status->restarts)});
  }
  if (!restarted) {
    const bool late = restarted.error().code == ErrorCode::timeout;
    outcome.result = late ? OutcomeResult::timed_out : OutcomeResult::failed;
    outcome.text = "restart of " + unit + ": " + restarted.error().message();
  } else if (!status) {
    outcome.result = OutcomeResult::failed;
    outcome.text = "restarted, but then: " + status.error().message();
  } else {
    // A service of type oneshot has done its work and is inactive again.
    const bool ended_well = status->active_state == "inactive" && status->result == "success";
    outcome.result = status->active_state == "active" || ended_well ? OutcomeResult::done : OutcomeResult::failed;
    outcome.text = "after the restart " + words(unit, *status);
  }
  return outcome;
}

}  // namespace

const EffectInfo kServiceRestartEffect{
    .action = "service.restart", .inspect = inspect, .execute = execute, .inside = nullptr};

}  // namespace hostmedic
