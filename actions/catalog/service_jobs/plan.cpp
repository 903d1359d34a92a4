// SPDX-License-Identifier: Apache-2.0
// service.reload, service.start and service.stop.
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"

namespace hostmedic {
namespace {

constexpr ParamText kStartParams[] = {
    {"stopped", "leave", "a unit that ended well or was stopped by somebody: leave, start"},
};
constexpr ParamText kStopParams[] = {kLastsParam};
constexpr std::string_view kStartPlanParams[] = {"stopped"};

Result<Plan> plan_job(const ActionInfo& info, std::string_view verb, const Incident& incident,
                      std::span<const Attribute> params) {
  const auto service = service_of(incident);
  if (!service) return service.error();
  auto plan = begin_plan(info, *service, params);
  if (!plan) return plan;
  plan->what = std::string(verb) + " " + service->name + " through systemd";
  plan->command = "systemctl " + std::string(verb) + " " + shell_quote(service->name);
  return plan;
}

Result<Plan> plan_reload(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  return plan_job(kServiceReload, "reload", incident, params);
}

Result<Plan> plan_start(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.kind == "service.crash_looping")
    return make_error(ErrorCode::conflict, to_string(incident.root) + " is in a crash loop; starting it does not help");
  auto plan = plan_job(kServiceStart, "start", incident, params);
  if (!plan) return plan;
  plan->parameters = {{"stopped", std::string(setting(kServiceStart, params, "stopped"))}};
  plan->undo = "systemctl stop " + shell_quote(plan->target.name);
  return plan;
}

Result<Plan> plan_stop(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  auto plan = plan_job(kServiceStop, "stop", incident, params);
  if (plan) plan->undo = "systemctl start " + shell_quote(plan->target.name);
  return plan;
}

Status validate_reload(const Plan& plan) { return check_unit_plan(plan, kServiceReload, {}); }
Status validate_stop(const Plan& plan) { return check_unit_plan(plan, kServiceStop, {}); }
Status validate_start(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kServiceStart, kStartPlanParams); !status) return status;
  const std::string_view stopped = plan.get("stopped");
  if (stopped != "leave" && stopped != "start")
    return make_error(ErrorCode::malformed, "stopped is neither leave nor start");
  return ok();
}

}  // namespace

const ActionInfo kServiceReload{.name = "service.reload",
                                .summary = "let a running service read its configuration and reopen its files",
                                .targets = kinds(EntityKind::service),
                                .params = {},
                                .reversible = false,
                                .local_safe = true,
                                .capabilities = "",
                                .timeout = std::chrono::seconds(60),
                                .cost = "The service goes on; what its own reload does is up to it.",
                                .undo = "",
                                .plan = plan_reload,
                                .validate = validate_reload};

const ActionInfo kServiceStart{.name = "service.start",
                               .summary = "start a service that is wanted and does not run",
                               .targets = kinds(EntityKind::service),
                               .params = kStartParams,
                               .reversible = true,
                               .local_safe = false,
                               .capabilities = "",
                               .timeout = std::chrono::seconds(60),
                               .cost = "The service takes its memory and its ports again.",
                               .undo = "It is stopped again.",
                               .plan = plan_start,
                               .validate = validate_start};

const ActionInfo kServiceStop{.name = "service.stop",
                              .summary = "stop a service that nothing else needs",
                              .targets = kinds(EntityKind::service),
                              .params = kStopParams,
                              .reversible = true,
                              .local_safe = false,
                              .capabilities = "",
                              .timeout = std::chrono::seconds(100),
                              .cost = "What the service does is not done until it is started again.",
                              .undo = "It is started again, if it ran before.",
                              .plan = plan_stop,
                              .validate = validate_stop};

}  // namespace hostmedic
