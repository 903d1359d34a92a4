// SPDX-License-Identifier: Apache-2.0
// What the effects on services share: how a unit is, in words, and a job of systemd as an outcome. No state; blocks.
#pragma once

#include <string>

#include "actions/catalog/effect.h"

namespace hostmedic {

// "nginx.service is failed (failed, signal)"
std::string words_of(const std::string& unit, const UnitStatus& status);
// Asks for the unit. faulty: it is there, and ret_status and ret_text say how; else gone or unknown, with the reason.
guard::TargetState look_at_unit(const std::string& unit, const EffectContext& context, UnitStatus& ret_status,
                                std::string& ret_text);
// Runs the job to its end. done: the unit is active afterwards, or inactive after a stop.
Outcome run_job(const std::string& unit, UnitJob job, Duration most, const EffectContext& context);

}  // namespace hostmedic
