// SPDX-License-Identifier: Apache-2.0
// The part of the shipped rules in which a learning model of one series decides; called by default_engine_config().
#pragma once

#include "detect/engine.h"

namespace hostmedic::detect {

void add_default_models(std::vector<Rule>& ret_rules);

}  // namespace hostmedic::detect
