// SPDX-License-Identifier: Apache-2.0
// service.reload, service.start and service.stop: jobs of systemd.
#include <algorithm>

#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::string_view kWas = "was_active_state";

// The unit's state; nullopt: ret_state says why there is no more to look at.
std::optional<UnitStatus> settled(const Plan& plan, const EffectContext& context, TargetState& ret_state,
                                  std::string& ret_text) {
  UnitStatus status;
  ret_state = look_at_unit(plan.target.name, context, status, ret_text);
  if (ret_state != TargetState::faulty) return std::nullopt;
  for (const char* settled : {"active", "inactive", "failed"})
    if (status.active_state == settled) return status;
  ret_state = TargetState::changing;
  return std::nullopt;
}

TargetState inspect_reload(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  TargetState state{};
  const auto status = settled(plan, context, state, ret_text);
  if (!status) return state;
  if (status->active_state == "active") return TargetState::faulty;
  ret_text += ": only what runs can be reloaded";
  return TargetState::gone;
}

// Something of the system asks for the unit: a target, another unit, a socket, a timer.
Result<std::string> wanted_by(const std::string& unit, const EffectContext& context) {
  for (const std::string_view property : {"RequiredBy", "BoundBy", "WantedBy", "TriggeredBy"}) {
    const auto names = context.manager.names(unit, property);
    if (!names) return names.error();
    if (!names->empty()) return names->front();
  }
  return std::string();
}

TargetState inspect_start(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  TargetState state{};
  const auto status = settled(plan, context, state, ret_text);
  if (!status) return state;
  if (status->active_state == "active") return TargetState::recovered;
  const bool ended_well = status->active_state == "inactive" && status->result == "success";
  if (ended_well && plan.get("stopped") != "start") {
    ret_text += ": it was stopped or ended well";
    return TargetState::recovered;
  }
  const auto wanted = wanted_by(plan.target.name, context);
  if (!wanted) {
    ret_text += "; who wants it cannot be asked: " + wanted.error().message();
    return TargetState::unknown;
  }
  if (wanted->empty()) {
    ret_text += ", and nothing wants it to run";
    return TargetState::recovered;
  }
  ret_text += ", and " + *wanted + " wants it";
  return TargetState::faulty;
}

// What systemd would stop together with the unit.
Result<std::vector<std::string>> stopped_with(const std::string& unit, const EffectContext& context) {
  std::vector<std::string> active;
  for (const std::string_view property : {"RequiredBy", "BoundBy", "ConsistsOf"}) {
    const auto names = context.manager.names(unit, property);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (!name.ends_with(".service")) continue;
      const auto status = context.manager.status(name);
      if (status && status->active_state == "active") active.push_back(name);
    }
  }
  return active;
}

TargetState inspect_stop(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  TargetState state{};
  const auto status = settled(plan, context, state, ret_text);
  if (!status) return state;
  if (status->active_state != "active") return TargetState::recovered;
  const auto others = stopped_with(plan.target.name, context);
  if (!others || !others->empty()) {
    ret_text += others ? "; with it " + join(*others, ", ") + " would be stopped"
                       : "; what depends on it cannot be asked: " + others.error().message();
    return TargetState::unknown;
  }
  return TargetState::faulty;
}

Outcome execute_reload(const Order& order, const EffectContext& context) {
  return run_job(order.plan.target.name, UnitJob::reload, order.plan.timeout, context);
}

Outcome change(const Order& order, UnitJob job, const EffectContext& context) {
  const auto before = context.manager.status(order.plan.target.name);
  Outcome outcome = run_job(order.plan.target.name, job, order.plan.timeout, context);
  outcome.details.push_back({std::string(kWas), before ? printable(before->active_state, 40) : "unknown"});
  return outcome;
}

// Puts the unit back into the state that it had, by the opposite job.
Outcome undo(const Order& order, const Outcome& first, std::span<const std::string_view> was, UnitJob job,
             const EffectContext& context) {
  const auto known = std::ranges::find(first.details, kWas, &Attribute::key);
  if (known != first.details.end() && std::ranges::find(was, known->value) != was.end())
    return run_job(order.plan.target.name, job, order.plan.timeout, context);
  Outcome outcome;
  outcome.result = OutcomeResult::unnecessary;
  outcome.text = "it was not " + std::string(was.front()) + " before";
  return outcome;
}

Outcome execute_start(const Order& order, const EffectContext& context) {
  return change(order, UnitJob::start, context);
}
Outcome undo_start(const Order& order, const Outcome& first, const EffectContext& context) {
  constexpr std::string_view kBefore[] = {"inactive", "failed"};
  return undo(order, first, kBefore, UnitJob::stop, context);
}
Outcome execute_stop(const Order& order, const EffectContext& context) { return change(order, UnitJob::stop, context); }
Outcome undo_stop(const Order& order, const Outcome& first, const EffectContext& context) {
  constexpr std::string_view kBefore[] = {"active"};
  return undo(order, first, kBefore, UnitJob::start, context);
}

}  // namespace

const EffectInfo kServiceReloadEffect{
    .action = "service.reload", .inspect = inspect_reload, .execute = execute_reload, .inside = nullptr};
const EffectInfo kServiceStartEffect{.action = "service.start",
                                     .inspect = inspect_start,
                                     .execute = execute_start,
                                     .inside = nullptr,
                                     .undo = undo_start};
const EffectInfo kServiceStopEffect{
    .action = "service.stop", .inspect = inspect_stop, .execute = execute_stop, .inside = nullptr, .undo = undo_stop};

}  // namespace hostmedic
