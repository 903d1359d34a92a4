// SPDX-License-Identifier: Apache-2.0
// How long a measure lasts, as the parameter "for". It stands in the plan twice: Plan.lasts is the actuator's timer,
// the parameter reaches the effect, which lets the kernel keep time as well. Pure; any thread.
#pragma once

#include <span>
#include <string_view>

#include "actions/action.h"

namespace hostmedic {

// Sets "for" and Plan.lasts.
Status add_lasts(Plan& plan, const ActionInfo& info, std::span<const Attribute> params);
// Both are there, agree, are whole seconds, and within [least, most].
Status check_lasts(const Plan& plan, Duration least, Duration most);
// As the effect knows it. 0: it stays.
std::chrono::seconds lasts_of(const Plan& plan);

}  // namespace hostmedic
