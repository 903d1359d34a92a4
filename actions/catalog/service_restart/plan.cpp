// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"active", "leave",
     "leave: only a failed unit is restarted; restart: one that runs, but does not do its work, too"},
};
constexpr std::string_view kPlanParams[] = {"active"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::service)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a service");
  if (incident.kind == "service.crash_looping")
    return make_error(ErrorCode::conflict, incident.root.name + " is in a crash loop; restarting it does not help");
  if (!is_service_unit(incident.root.name))
    return make_error(ErrorCode::malformed, "'" + incident.root.name + "' is not the name of a service unit");
  auto plan = begin_plan(kServiceRestart, incident.root, params);
  if (!plan) return plan;
  if (setting(kServiceRestart, params, "active") == "restart") plan->parameters = {{"active", "restart"}};
  plan->what = "restart " + incident.root.name + " through systemd";
  plan->command = "systemctl restart " + shell_quote(incident.root.name);
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kServiceRestart, kPlanParams); !status) return status;
  const std::string_view active = plan.get("active");
  if (!active.empty() && active != "leave" && active != "restart")
    return make_error(ErrorCode::malformed, "active is neither leave nor restart");
  return ok();
}

}  // namespace

const ActionInfo kServiceRestart{.name = "service.restart",
                                 .summary = "restart a systemd service",
                                 .targets = kinds(EntityKind::service),
                                 .params = kParams,
                                 .reversible = false,
                                 .local_safe = false,
                                 .capabilities = "",
                                 .timeout = std::chrono::seconds(60),
                                 .cost = "The service is away while it stops and starts.",
                                 .undo = "",
                                 .plan = plan,
                                 .validate = validate};

}  // namespace hostmedic
