// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/defaults.h"

#include "agent/base/text.h"

namespace hostmedic::detect {

void add(std::span<const DefaultCondition> rows, EngineConfig& ret_config) {
  for (const DefaultCondition& row : rows)
    ret_config.condition_rules.push_back({.id = std::string(row.id),
                                          .enabled = true,
                                          .when = std::string(row.when),
                                          .entity = std::string(row.entity),
                                          .incident_kind = std::string(row.incident_kind),
                                          .severity = row.severity,
                                          .probability = row.probability,
                                          .proof = row.proof,
                                          .opens = row.opens,
                                          .why = std::string(row.why)});
}

void add(std::span<const DefaultEvent> rows, EngineConfig& ret_config) {
  for (const DefaultEvent& row : rows) {
    EventRule rule;
    rule.id = row.id;
    rule.kind = row.kind;
    rule.key = row.key;
    rule.value = row.value;
    rule.incident_kind = row.incident_kind;
    rule.severity = row.severity;
    rule.probability = row.probability;
    rule.proof = row.proof;
    rule.opens = row.opens;
    rule.expires = row.expires;
    rule.open_after = row.open_after;
    rule.why = row.why;
    if (!row.clear.empty())
      for (const std::string_view value : split(row.clear, '|')) rule.clear_values.emplace_back(value);
    ret_config.event_rules.push_back(std::move(rule));
  }
}

}  // namespace hostmedic::detect
