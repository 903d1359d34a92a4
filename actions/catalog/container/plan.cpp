// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/container/container_name.h"
#include "actions/catalog/network/lasts.h"
#include "actions/catalog/plan_check.h"

namespace hostmedic {
namespace {

constexpr ParamText kPauseParams[] = {{"for", "15m", "it goes on by itself after so long; 0s: when it is told to"}};
constexpr std::string_view kFor[] = {"for"};

Result<Plan> plan_for(const ActionInfo& info, const Incident& incident, std::string_view verb) {
  auto container = container_of(incident);
  if (!container) return container.error();
  Plan plan;
  plan.action = info.name;
  plan.target = std::move(*container);
  plan.what = std::string(verb) + " container " + plan.target.name;
  plan.command = "docker " + std::string(verb) + " " + plan.target.name;
  plan.undo = info.undo;
  plan.timeout = info.timeout;
  return plan;
}

Status validate_target(const Plan& plan, const ActionInfo& info, std::span<const std::string_view> known) {
  if (Status status = check_common(plan, info, known); !status) return status;
  if (!is_container_name(plan.target.name))
    return make_error(ErrorCode::malformed, "the target is not the name of a container");
  return ok();
}

Result<Plan> plan_restart(const Incident& incident, const HostView&, std::span<const Attribute>) {
  if (incident.kind == "container.crash_looping")
    return make_error(ErrorCode::conflict, incident.root.name + " is in a crash loop; restarting it does not help");
  return plan_for(kContainerRestart, incident, "restart");
}
Status validate_restart(const Plan& plan) { return validate_target(plan, kContainerRestart, {}); }

Result<Plan> plan_stop(const Incident& incident, const HostView&, std::span<const Attribute>) {
  return plan_for(kContainerStop, incident, "stop");
}
Status validate_stop(const Plan& plan) { return validate_target(plan, kContainerStop, {}); }

Result<Plan> plan_pause(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  auto plan = plan_for(kContainerPause, incident, "pause");
  if (!plan) return plan;
  if (Status timed = add_lasts(*plan, kContainerPause, params); !timed) return std::move(timed).error();
  return plan;
}
Status validate_pause(const Plan& plan) {
  if (Status status = validate_target(plan, kContainerPause, kFor); !status) return status;
  return check_lasts(plan, Duration{}, std::chrono::hours(24));
}

}  // namespace

const ActionInfo kContainerRestart{.name = "container.restart",
                                   .summary = "restart a container through its engine",
                                   .targets = kinds(EntityKind::container),
                                   .params = {},
                                   .reversible = false,
                                   .local_safe = false,
                                   .capabilities = "",
                                   .timeout = std::chrono::seconds(60),
                                   .cost = "The container is away while it stops and starts.",
                                   .undo = "",
                                   .plan = plan_restart,
                                   .validate = validate_restart};

const ActionInfo kContainerPause{.name = "container.pause",
                                 .summary = "freeze all processes of a container",
                                 .targets = kinds(EntityKind::container),
                                 .params = kPauseParams,
                                 .reversible = true,
                                 .local_safe = false,
                                 .capabilities = "",
                                 .timeout = std::chrono::seconds(30),
                                 .cost = "The container does nothing and answers nobody; it keeps its memory.",
                                 .undo = "It goes on where it stood.",
                                 .plan = plan_pause,
                                 .validate = validate_pause};

const ActionInfo kContainerStop{.name = "container.stop",
                                .summary = "stop a container through its engine",
                                .targets = kinds(EntityKind::container),
                                .params = {},
                                .reversible = true,
                                .local_safe = false,
                                .capabilities = "",
                                .timeout = std::chrono::seconds(60),
                                .cost = "The container is away; what it held in memory is lost.",
                                .undo = "It is started again.",
                                .plan = plan_stop,
                                .validate = validate_stop};

}  // namespace hostmedic
