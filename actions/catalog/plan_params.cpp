// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/plan_params.h"

#include <algorithm>

#include "actions/catalog/plan_check.h"
#include "agent/base/parse.h"

namespace hostmedic {

std::string_view setting(const ActionInfo& info, std::span<const Attribute> params, std::string_view name) {
  for (const Attribute& param : params)
    if (param.key == name) return param.value;
  for (const ParamText& known : info.params)
    if (known.name == name) return known.fallback;
  return {};
}

Result<Plan> begin_plan(const ActionInfo& info, const Entity& target, std::span<const Attribute> params) {
  Plan plan;
  plan.action = info.name;
  plan.target = target;
  plan.timeout = info.timeout;
  if (const std::string_view lasts = setting(info, params, kLastsParam.name); !lasts.empty()) {
    const auto duration = parse_duration(lasts);
    if (!duration) return Error(duration.error()).in(kLastsParam.name);
    plan.lasts = *duration;
  }
  return plan;
}

Result<Entity> service_of(const Incident& incident) {
  const Entity* service = incident.root.kind == EntityKind::service ? &incident.root : nullptr;
  if (service == nullptr) {
    const auto cause = std::ranges::find(incident.causes, EntityKind::service, &Entity::kind);
    if (cause == incident.causes.end())
      return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a service, and none is its cause");
    service = &*cause;
  }
  if (!is_service_unit(service->name))
    return make_error(ErrorCode::malformed, "'" + service->name + "' is not the name of a service unit");
  return *service;
}

Status check_unit_plan(const Plan& plan, const ActionInfo& info, std::span<const std::string_view> known_parameters) {
  if (Status status = check_common(plan, info, known_parameters); !status) return status;
  if (plan.target.kind == EntityKind::service && !is_service_unit(plan.target.name))
    return make_error(ErrorCode::malformed, "the target is not the name of a service unit");
  return ok();
}

}  // namespace hostmedic
