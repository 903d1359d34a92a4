// SPDX-License-Identifier: Apache-2.0
#include "agent/config/agent_config.h"

#include "agent/config/agent_keys.h"
#include "agent/config/files.h"

namespace hostmedic {
namespace {

void apply(const Node& root, const std::string& file, Diagnostics& diagnostics, AgentConfig& config) {
  const Place place{file, diagnostics};
  const auto each = [&](std::string_view name, auto& ret_rows, auto read) {
    return Special{name, [&place, &ret_rows, read](const Member& member) {
                     each_table(member, place, [&](const Node& table) { read(table, place, ret_rows); });
                   }};
  };
  std::vector<Special> specials = {each("rule", config.engine, read_rule),
                                   each("event_rule", config.engine, read_event_rule),
                                   each("expected", config.engine, read_expected),
                                   each("check", config.probes, read_check),
                                   each("scrape", config.probes, read_scrape),
                                   {"detect.models", [&](const Member& member) {
                                      if (member.value.kind != Node::Kind::table)
                                        return place.error(member.at, "expected the table [detect.models]");
                                      read_models(member.value, place, config.engine.scoring);
                                    }}};
  read_tables<AgentConfig>(root, agent_keys(), std::move(specials), place, config);
}

// What no single key can tell.
void check_whole(const std::string& file, Diagnostics& diagnostics, const AgentConfig& config) {
  const auto engine = detect::Engine::make(config.engine);
  if (!engine) diagnostics.error(file, {}, engine.error().message());
}

template <class Rows>
void compare(std::string_view what, bool restart, const Rows& from, const Rows& to, std::vector<KeyChange>& changes) {
  const auto text_of = [](const Rows& rows, const std::string& id) {
    for (const auto& row : rows)
      if (row.id == id) return row_text(row);
    return std::string();
  };
  const auto changed = [&](const std::string& id) { changes.push_back({std::string(what) + " " + id, restart}); };
  for (const auto& row : to)
    if (row_text(row) != text_of(from, row.id)) changed(row.id);
  for (const auto& row : from)
    if (text_of(to, row.id).empty()) changed(row.id);
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

bool concerns_detection(const KeyChange& change) {
  return change.key.starts_with("detect.") || change.key.find("rule ") != std::string::npos;
}

std::vector<KeyChange> changed_keys(const AgentConfig& from, const AgentConfig& to) {
  std::vector<KeyChange> changes;
  for (const Key<AgentConfig>& key : agent_keys())
    if (key.show(from) != key.show(to))
      changes.push_back({std::string(key.table) + "." + std::string(key.name), key.restart});
  if (from.engine.scoring.modes != to.engine.scoring.modes) changes.push_back({"detect.models", true});
  if (from.engine.expected != to.engine.expected) changes.push_back({"detect.expected", false});
  compare("rule", false, from.engine.rules, to.engine.rules, changes);
  compare("rule", false, from.engine.event_rules, to.engine.event_rules, changes);
  compare("rule", false, from.engine.condition_rules, to.engine.condition_rules, changes);
  compare("check", true, from.probes.checks, to.probes.checks, changes);
  compare("scrape", true, from.probes.scrapes, to.probes.scrapes, changes);
  return changes;
}

}  // namespace hostmedic
