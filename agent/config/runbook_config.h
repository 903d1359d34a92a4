// SPDX-License-Identifier: Apache-2.0
// Runbooks from TOML files, one in each. Blocking file reads.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/runbook/runbook.h"
#include "agent/config/diagnostic.h"
#include "detect/engine.h"

namespace hostmedic {

// The shipped ones, then the administrator's.
std::vector<std::string> default_runbook_dirs();

// The kinds of incidents that may be opened.
std::vector<std::string> incident_kinds(const detect::EngineConfig& engine);

// A runbook of a later directory replaces one of the same name of an earlier. In the result those of later directories
// come first, so that the administrator's are chosen before the shipped ones. Missing directories have none.
// known_kinds: a kind of incident that is not among them is told as a notice; empty: all are taken as known.
Loaded<std::vector<Runbook>> load_runbooks(std::span<const std::string> dirs,
                                           std::span<const std::string> known_kinds = {});
// The same from one text; file names it in diagnostics.
Loaded<Runbook> parse_runbook(std::string_view text, const std::string& file,
                              std::span<const std::string> known_kinds = {});

}  // namespace hostmedic
