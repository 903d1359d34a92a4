// SPDX-License-Identifier: Apache-2.0
// The texts that name a script and its arguments. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

inline constexpr std::size_t kMostScriptArguments = 8;
inline constexpr std::size_t kMostScriptArgument = 128;

// One component: letters, digits, '_', '-', '.', not beginning with '.' or '-', at most 64.
bool is_script_name(std::string_view name);
// Words between single spaces, of letters, digits and _ . , : = @ % + / -; none holds "..". Empty text: no argument.
Result<std::vector<std::string>> script_arguments(std::string_view text);

}  // namespace hostmedic
