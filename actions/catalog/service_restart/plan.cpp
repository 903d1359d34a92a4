// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"

namespace hostmedic {
namespace {

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute>) {
  if (incident.root.kind != EntityKind::service)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a service");
  if (incident.kind == "service.crash_looping")
    return make_error(ErrorCode::conflict, incident.root.name + " is in a crash loop; restarting it does not help");
  if (!is_service_unit(incident.root.name))
    return make_error(ErrorCode::malformed, "'" + incident.root.name + "' is not the name of a service unit");
  Plan plan;
  plan.action = kServiceRestart.name;
  plan.target = incident.root;
  plan.what = "restart " + incident.root.name + " through systemd";
  plan.command = "systemctl restart " + shell_quote(incident.root.name);
  plan.timeout = kServiceRestart.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kServiceRestart, {}); !status) return status;
  if (!is_service_unit(plan.target.name))
    return make_error(ErrorCode::malformed, "the target is not the name of a service unit");
  return ok();
}

}  // namespace

const ActionInfo kServiceRestart{.name = "service.restart",
                                 .summary = "restart a systemd service",
                                 .targets = kinds(EntityKind::service),
                                 .params = {},
                                 .reversible = false,
                                 .local_safe = false,
                                 .capabilities = "",
                                 .timeout = std::chrono::seconds(60),
                                 .cost = "The service is away while it stops and starts.",
                                 .undo = "",
                                 .plan = plan,
                                 .validate = validate};

}  // namespace hostmedic
