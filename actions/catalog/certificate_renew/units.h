// SPDX-License-Identifier: Apache-2.0
// A list of units within a parameter. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hostmedic {

// "nginx.service, postfix.service"; empty for "none". Not checked.
std::vector<std::string> units_of(std::string_view list);

}  // namespace hostmedic
