// SPDX-License-Identifier: Apache-2.0
// The rows of the agent's keys, and the rules of detection as tables. Internal to config/.
#pragma once

#include "agent/config/agent_config.h"
#include "agent/config/key.h"

namespace hostmedic {

std::span<const Key<AgentConfig>> agent_keys();
std::span<const Key<detect::Rule>> rule_keys();
std::span<const Key<detect::EventRule>> event_rule_keys();

// Changes the rule of the table's id, or adds a new and complete one.
void read_rule(const Node& table, const Place& place, detect::EngineConfig& engine);
void read_event_rule(const Node& table, const Place& place, detect::EngineConfig& engine);

// As one line each, for comparing.
std::string rule_text(const detect::Rule& rule);
std::string rule_text(const detect::EventRule& rule);

}  // namespace hostmedic
