// SPDX-License-Identifier: Apache-2.0
// The guard's policy, /etc/hostmedic/policy.toml. Both sides of the guard read the same file. Blocking file reads.
#pragma once

#include <string>
#include <string_view>

#include "actions/guard/guard.h"
#include "agent/config/diagnostic.h"

namespace hostmedic {

inline constexpr const char* kPolicyFile = "/etc/hostmedic/policy.toml";

// A missing file gives the default policy, which observes, and a notice. With require_root_owned a file that anybody
// but root could have written is refused.
Loaded<guard::Policy> load_policy(const std::string& path, bool require_root_owned);
// The same from one text; file names it in diagnostics.
Loaded<guard::Policy> parse_policy(std::string_view text, const std::string& file);

}  // namespace hostmedic
