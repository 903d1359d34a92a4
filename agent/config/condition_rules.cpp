// SPDX-License-Identifier: Apache-2.0
// [[rule]] with `when`: a condition in the language of hostmedic-rules(5).
#include <algorithm>

#include "agent/config/agent_keys.h"
#include "agent/config/condition_text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostRules = 500;
constexpr Limits kShare{.least = 0, .most = 1};
constexpr Limits kName{.form = Form::name};

#define FIELD(member) [](auto& rule) -> auto& { return rule.member; }
template <auto Field>
constexpr Key<detect::ConditionRule> row(std::string_view name, Limits limits, std::string_view doc) {
  return key<detect::ConditionRule, Field>("", name, limits, false, doc);
}

const Key<detect::ConditionRule> kKeys[] = {
    row<FIELD(id)>("id", kName, "Names the rule that is changed, or a new one."),
    row<FIELD(enabled)>("enabled", {}, "false: the rule is not used."),
    row<FIELD(entity)>("entity", {}, "Pattern over the entity, such as \"service:nginx*\"."),
    row<FIELD(incident_kind)>("incident_kind", kName, "Kind of the incident that it opens."),
    row<FIELD(severity)>("severity", {}, "How grave the incident is."),
    row<FIELD(probability)>("probability", kShare, "How sure it is that this is a real problem."),
    row<FIELD(proof)>("proof", {}, "true: enough by itself to act on."),
    row<FIELD(opens)>("opens", {}, "false: only supports an incident that another rule opened."),
    row<FIELD(why)>("why", {}, "The reason for the numbers."),
};
#undef FIELD

}  // namespace

std::span<const Key<detect::ConditionRule>> condition_rule_keys() { return kKeys; }

bool is_condition_rule(const Node& table, const detect::EngineConfig& engine) {
  const Node* const id = find_member(table, "id");
  return find_member(table, "when") != nullptr ||
         (id != nullptr && std::ranges::find(engine.condition_rules, id->text, &detect::ConditionRule::id) !=
                               engine.condition_rules.end());
}

void read_condition_rule(const Node& table, const std::string& id, const Place& place, detect::EngineConfig& engine) {
  const auto old = std::ranges::find(engine.condition_rules, id, &detect::ConditionRule::id);
  const bool known = old != engine.condition_rules.end();
  detect::ConditionRule rule = known ? *old : detect::ConditionRule{};
  const Special take_when{"when", [&](const Member& member) { read_condition(member, place, rule.when); }};
  read_table<detect::ConditionRule>(table, "", condition_rule_keys(), std::span(&take_when, 1), place, rule);
  if (known) {
    *old = std::move(rule);
    return;
  }
  if (rule.when.empty()) return;  // said already
  if (rule.opens && rule.incident_kind.empty())
    return place.error(position_of(table, "id"), "the new rule '" + id + "' needs the key 'incident_kind'");
  if (std::ranges::find(engine.rules, id, &detect::Rule::id) != engine.rules.end())
    return place.error(position_of(table, "id"), "'" + id + "' is a rule with a detector and has no `when`");
  if (engine.condition_rules.size() >= kMostRules) return place.error(table.at, "more than 500 rules with `when`");
  engine.condition_rules.push_back(std::move(rule));
}

std::string row_text(const detect::ConditionRule& rule) {
  std::string text = rule.when + " ";
  for (const Key<detect::ConditionRule>& key : kKeys) text += key.show(rule) + " ";
  return text;
}

}  // namespace hostmedic
