// SPDX-License-Identifier: Apache-2.0
// What the plans of several entries share: a runbook's settings with the entry's own fallbacks, and whom a plan is
// about. Pure; any thread.
#pragma once

#include <span>
#include <string_view>

#include "actions/action.h"

namespace hostmedic {

// A parameter of entries whose measure may be for a time only.
inline constexpr ParamText kLastsParam{"lasts", "0s", "taken back by itself after so long; 0s: it stays"};

// The runbook's setting, else the entry's fallback.
std::string_view setting(const ActionInfo& info, std::span<const Attribute> params, std::string_view name);
// A plan with the entry's name, time limit and, where it has that parameter, its duration. Its texts are left empty.
Result<Plan> begin_plan(const ActionInfo& info, const Entity& target, std::span<const Attribute> params);
// The service that the incident is about: its root, or else the first service among its causes.
Result<Entity> service_of(const Incident& incident);
// check_common(), and the target is the name of a service unit if it is a service.
Status check_unit_plan(const Plan& plan, const ActionInfo& info, std::span<const std::string_view> known_parameters);

}  // namespace hostmedic
