// SPDX-License-Identifier: Apache-2.0
// A condition in the language of hostmedic-rules(5) as the value of a key. Internal to config/.
#pragma once

#include <string>

#include "agent/config/key.h"

namespace hostmedic {

// Sets the text if it can be read; else the fault is told at its place in the file.
void read_condition(const Member& member, const Place& place, std::string& ret_condition);

}  // namespace hostmedic
