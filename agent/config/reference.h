// SPDX-License-Identifier: Apache-2.0
// The reference of all keys, from the same rows that validate them. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/config/key.h"

namespace hostmedic {

enum class ConfigFile : std::uint8_t { agent, policy, aggregator };

// The shipped file: every key commented, at its default, with its text.
std::string print_reference(ConfigFile file);
// The rows behind it, for the manual pages. Keys of [[...]] tables have that as their table.
std::vector<KeyText> reference_rows(ConfigFile file);
// The keys of a runbook: "", "[[step]]", "[step.verify]".
std::vector<KeyText> runbook_reference_rows();

}  // namespace hostmedic
