// SPDX-License-Identifier: Apache-2.0
// The standard output of an order's unit, kept in a file of root's own directory in memory, so that it outlives the
// actuator. Any thread.
#pragma once

#include <string>

namespace hostmedic {

std::string effect_output_path(const std::string& dir, const std::string& unit);
// At most kMostEffectOutput bytes; empty if there is none.
std::string read_effect_output(const std::string& dir, const std::string& unit);
void remove_effect_output(const std::string& dir, const std::string& unit);

}  // namespace hostmedic
