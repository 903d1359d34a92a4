// SPDX-License-Identifier: Apache-2.0
// The rows of the agent's keys, and the rules of detection as tables. Internal to config/.
#pragma once

#include "agent/config/agent_config.h"
#include "agent/config/key.h"

namespace hostmedic {

std::span<const Key<AgentConfig>> agent_keys();
std::span<const Key<detect::Rule>> rule_keys();
std::span<const Key<detect::EventRule>> event_rule_keys();
std::span<const Key<detect::ConditionRule>> condition_rule_keys();

// Changes the rule of the table's id, or adds a new and complete one.
void read_rule(const Node& table, const Place& place, detect::EngineConfig& engine);
// Whether a [[rule]] is one with `when`, and reads it.
bool is_condition_rule(const Node& table, const detect::EngineConfig& engine);
void read_condition_rule(const Node& table, const std::string& id, const Place& place, detect::EngineConfig& engine);
void read_event_rule(const Node& table, const Place& place, detect::EngineConfig& engine);

// [detect.models]: how far each model's word counts, by its name.
void read_models(const Node& table, const Place& place, detect::ScorerConfig& scoring);

std::span<const Key<ActiveCheck>> active_check_keys();
std::span<const Key<Scrape>> scrape_keys();
// Adds one, or replaces that of the same id.
void read_check(const Node& table, const Place& place, ProbeSettings& settings);
void read_scrape(const Node& table, const Place& place, ProbeSettings& settings);

// An [[expected]] table as it is written.
struct ExpectedText {
  std::string name, schedule, from, to, zone;
  std::string entity = "*", series = "*";
  Duration length{};
  double factor = 1;
  bool shadow = false;
};
std::span<const Key<ExpectedText>> expected_keys();
void read_expected(const Node& table, const Place& place, detect::EngineConfig& engine);

// As one line each, for comparing.
std::string row_text(const detect::Rule& rule);
std::string row_text(const detect::EventRule& rule);
std::string row_text(const detect::ConditionRule& rule);
std::string row_text(const ActiveCheck& check);
std::string row_text(const Scrape& scrape);

}  // namespace hostmedic
