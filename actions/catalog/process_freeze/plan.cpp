// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"victim", "most_cpu",
     "of a group of processes: largest_memory, most_threads, most_cpu; a service is frozen whole"},
    {"lasts", "5m", "thawed by itself after so long; at most 1h"},
};
constexpr std::string_view kPlanParams[] = {"victim", "spare"};
constexpr Duration kMostLasts = std::chrono::hours(1);

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const bool group = incident.root.kind == EntityKind::process;
  const auto service = service_of(incident);
  if (!group && !service) return service.error();
  auto plan = begin_plan(kProcessFreeze, group ? incident.root : *service, params);
  if (!plan) return plan;
  const std::string& name = plan->target.name;
  const std::string most = " for " + format_duration(plan->lasts);
  plan->parameters = {{"victim", std::string(setting(kProcessFreeze, params, "victim"))}};
  plan->what = (group ? "stop one process named " + name : "freeze all of " + name) + most;
  plan->command = group ? "pkill -STOP --newest --exact " + shell_quote(name) : "systemctl freeze " + shell_quote(name);
  plan->undo = group ? "pkill -CONT --exact " + shell_quote(name) : "systemctl thaw " + shell_quote(name);
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kProcessFreeze, kPlanParams); !status) return status;
  const auto malformed = [](std::string context) { return make_error(ErrorCode::malformed, std::move(context)); };
  if (plan.target.kind == EntityKind::process && (plan.target.name.empty() || plan.target.name.front() == '('))
    return malformed("the target is not the name of a process");
  const std::string_view victim = plan.get("victim");
  if (victim != "most_cpu" && victim != "largest_memory" && victim != "most_threads")
    return malformed("victim is not one of those known");
  if (plan.lasts > kMostLasts) return malformed("it lasts longer than 1h");
  return ok();
}

}  // namespace

const ActionInfo kProcessFreeze{.name = "process.freeze",
                                .summary = "hold a service, or one process, still for a time",
                                .targets = kinds(EntityKind::service, EntityKind::process),
                                .params = kParams,
                                .reversible = true,
                                .local_safe = false,
                                .capabilities = "CAP_KILL",
                                .timeout = std::chrono::seconds(30),
                                .cost = "It answers nobody while it is held; its memory and connections stay.",
                                .undo = "It is thawed.",
                                .plan = plan,
                                .validate = validate};

}  // namespace hostmedic
