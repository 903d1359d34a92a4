// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/script_run/effect_script.h"
#include "actions/catalog/script_run/script_args.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

// Whether the target is as it should be is the script's own check to say; here: that both can be asked at all.
TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  std::string unit;
  bool settled = true;
  if (plan.target.kind == EntityKind::service) {
    UnitStatus status;
    const TargetState seen = look_at_unit(plan.target.name, context, status, ret_text);
    if (seen != TargetState::faulty) return seen;
    unit = "; " + ret_text;
    settled = status.active_state == "active" || status.active_state == "inactive" || status.active_state == "failed";
  }
  for (const std::string_view name : {plan.get("script"), plan.get("undo")}) {
    if (name.empty()) continue;
    const auto script = open_script(kScriptsDirectory, std::string(name));
    if (script) continue;
    ret_text = script.error().message();
    return TargetState::unknown;
  }
  ret_text = "root's script " + std::string(plan.get("script")) + " is in place" + unit;
  return settled ? TargetState::faulty : TargetState::changing;
}

Outcome not_possible(std::string text) {
  Outcome outcome;
  outcome.result = OutcomeResult::failed;
  outcome.text = std::move(text);
  return outcome;
}

Outcome execute(const Order& order, const EffectContext& context) {
  const auto script = open_script(kScriptsDirectory, std::string(order.plan.get("script")));
  if (!script) return not_possible(script.error().message());
  return run_in_unit(order, context, openings_of(script->header));
}

int inside(const Plan& plan, const InsideContext&) {
  const auto arguments = script_arguments(plan.get("args"));
  if (!arguments) return kEffectUsage;  // validated before
  return run_script(kScriptsDirectory, std::string(plan.get("script")), *arguments, plan.timeout / 10 * 9);
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  const std::string name(order.plan.get("undo"));
  if (name.empty()) return not_possible("the runbook names no script that takes it back");
  const auto script = open_script(kScriptsDirectory, name);
  if (!script) return not_possible(script.error().message());
  return undo_in_unit(order, first, context, openings_of(script->header));
}

int undo_inside(const Plan& plan, std::span<const Attribute>, const InsideContext&) {
  const auto arguments = script_arguments(plan.get("args"));
  if (!arguments) return kEffectUsage;
  return run_script(kScriptsDirectory, std::string(plan.get("undo")), *arguments, plan.timeout / 10 * 9);
}

}  // namespace

const EffectInfo kScriptRunEffect{.action = "script.run",
                                  .inspect = inspect,
                                  .execute = execute,
                                  .inside = inside,
                                  .undo = undo,
                                  .undo_inside = undo_inside};

}  // namespace hostmedic
