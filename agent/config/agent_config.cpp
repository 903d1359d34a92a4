// SPDX-License-Identifier: Apache-2.0
#include "agent/config/agent_config.h"

#include "agent/config/agent_keys.h"
#include "agent/config/files.h"

namespace hostmedic {
namespace {

void apply(const Node& root, const std::string& file, Diagnostics& diagnostics, AgentConfig& config) {
  const Place place{file, diagnostics};
  std::vector<Special> specials = {
      {"rule",
       [&](const Member& member) {
         each_table(member, place, [&](const Node& table) { read_rule(table, place, config.engine); });
       }},
      {"event_rule",
       [&](const Member& member) {
         each_table(member, place, [&](const Node& table) { read_event_rule(table, place, config.engine); });
       }},
  };
  read_tables<AgentConfig>(root, agent_keys(), std::move(specials), place, config);
}

// What no single key can tell.
void check_whole(const std::string& file, Diagnostics& diagnostics, const AgentConfig& config) {
  const auto engine = detect::Engine::make(config.engine);
  if (!engine) diagnostics.error(file, {}, engine.error().message());
}

template <class Rules>
void compare(const Rules& from, const Rules& to, std::vector<KeyChange>& changes) {
  const auto text_of = [](const Rules& rules, const std::string& id) {
    for (const auto& rule : rules)
      if (rule.id == id) return rule_text(rule);
    return std::string();
  };
  for (const auto& rule : to)
    if (rule_text(rule) != text_of(from, rule.id)) changes.push_back({"rule " + rule.id, false});
  for (const auto& rule : from)
    if (text_of(to, rule.id).empty()) changes.push_back({"rule " + rule.id, false});
}

}  // namespace

Loaded<AgentConfig> load_agent_config(const AgentConfigPaths& paths) {
  Loaded<AgentConfig> loaded;
  Diagnostics diagnostics;
  std::vector<std::string> files;
  if (paths.file == kAgentConfigFile && !file_exists(paths.file)) {
    diagnostics.notice(paths.file, {}, "does not exist; all keys are at their defaults");
  } else {
    files.push_back(paths.file);
  }
  for (std::string& drop_in : toml_files(paths.drop_ins, diagnostics)) files.push_back(std::move(drop_in));
  for (const std::string& file : files) apply(load_toml(file, diagnostics), file, diagnostics, loaded.config);
  check_whole(paths.file, diagnostics, loaded.config);
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

Loaded<AgentConfig> parse_agent_config(std::string_view text, const std::string& file) {
  Loaded<AgentConfig> loaded;
  Diagnostics diagnostics;
  apply(parse_toml(text, file, diagnostics), file, diagnostics, loaded.config);
  check_whole(file, diagnostics, loaded.config);
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

std::vector<KeyChange> changed_keys(const AgentConfig& from, const AgentConfig& to) {
  std::vector<KeyChange> changes;
  for (const Key<AgentConfig>& key : agent_keys())
    if (key.show(from) != key.show(to))
      changes.push_back({std::string(key.table) + "." + std::string(key.name), key.restart});
  compare(from.engine.rules, to.engine.rules, changes);
  compare(from.engine.event_rules, to.engine.event_rules, changes);
  return changes;
}

}  // namespace hostmedic
