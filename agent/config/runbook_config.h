// SPDX-License-Identifier: Apache-2.0
// Runbooks from TOML files, one in each. Blocking file reads.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/runbook/runbook.h"
#include "agent/config/diagnostic.h"

namespace hostmedic {

// The shipped ones, then the administrator's.
std::vector<std::string> default_runbook_dirs();

// A runbook of a later directory replaces one of the same name of an earlier. In the result those of later directories
// come first, so that the administrator's are chosen before the shipped ones. Missing directories have none.
Loaded<std::vector<Runbook>> load_runbooks(std::span<const std::string> dirs);
// The same from one text; file names it in diagnostics.
Loaded<Runbook> parse_runbook(std::string_view text, const std::string& file);

}  // namespace hostmedic
