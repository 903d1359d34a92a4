// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"how", "restart", "what is done with the service of the parent: restart, reload"},
    {"least", "50", "dead children of one parent that are worth it"},
};
constexpr std::string_view kPlanParams[] = {"how", "least"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::host)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not the host");
  auto plan = begin_plan(kZombiesReap, incident.root, params);
  if (!plan) return plan;
  for (const ParamText& param : kParams)
    plan->parameters.push_back({std::string(param.name), std::string(setting(kZombiesReap, params, param.name))});
  plan->what = std::string(plan->get("how")) + " the service whose process leaves most dead children, " +
               std::string(plan->get("least")) + " or more";
  plan->command = "ps -eo ppid,stat | awk '$2 ~ /^Z/ {n[$1]++} END {for (p in n) print n[p], p}' | sort -n";
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kZombiesReap, kPlanParams); !status) return status;
  if (plan.get("how") != "restart" && plan.get("how") != "reload")
    return make_error(ErrorCode::malformed, "how is neither restart nor reload");
  const auto least = parse_u64(plan.get("least"));
  if (!least || *least < 5 || *least > 1'000'000)
    return make_error(ErrorCode::malformed, "least is not a number from 5 to 1000000");
  return ok();
}

}  // namespace

const ActionInfo kZombiesReap{.name = "zombies.reap",
                              .summary = "restart the service that does not ask for its dead children",
                              .targets = kinds(EntityKind::host),
                              .params = kParams,
                              .reversible = false,
                              .local_safe = false,
                              .capabilities = "",
                              .timeout = std::chrono::seconds(60),
                              .cost = "That service is away while it stops and starts.",
                              .undo = "",
                              .plan = plan,
                              .validate = validate};

}  // namespace hostmedic
