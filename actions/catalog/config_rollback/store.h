// SPDX-License-Identifier: Apache-2.0
// Where the last known good content of configuration files is kept, and which files may be put back at all. Root puts
// copies there with `hostmedic keep`: what the unprivileged probe remembers is good enough to explain a change, but
// root writes nothing that another could have altered. Pure; any thread.
#pragma once

#include <string_view>

#include "agent/base/bytes.h"

namespace hostmedic {

inline constexpr std::string_view kKnownGood = "/var/lib/hostmedic-actuator/known-good";  // + the file's own path
inline constexpr std::string_view kReplaced = "/var/lib/hostmedic-actuator/replaced";     // what a roll-back replaced
inline constexpr Bytes kMostConfig = mib(1);

// Below /etc, and none of those that decide who may enter the host and what its own guard allows.
bool is_kept_config(std::string_view path);

}  // namespace hostmedic
