// SPDX-License-Identifier: Apache-2.0
// [[rule]] with `when`: a condition in the language of hostmedic-rules(5). A fault in it is shown at its place in the
// file.
#include <algorithm>

#include "agent/config/agent_keys.h"
#include "detect/rules/condition.h"

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

// Where a byte of a text stands in the file. The node knows where its quotation begins and ends, not how it is quoted:
// that is seen from how much longer it is than what is in it.
Position position_in(const Node& node, std::size_t offset) {
  const std::string_view before = std::string_view(node.text).substr(0, offset);
  const auto breaks = [](std::string_view text) {
    return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
  };
  const auto column_of = [](std::size_t bytes) { return static_cast<std::uint32_t>(bytes); };
  const std::uint32_t lines = node.end.line - node.at.line;
  const bool cut = lines > breaks(node.text);  // the line break behind """ is not a part of the text
  const std::uint32_t line = breaks(before) + (cut ? 1 : 0);
  if (line > 0) return {node.at.line + line, column_of(before.size() - (before.find_last_of('\n') + 1)) + 1};
  const bool triple = lines > 0 || node.end.column - node.at.column >= node.text.size() + 5;
  return {node.at.line, node.at.column + (triple ? 3 : 1) + column_of(offset)};
}

void read_when(const Member& member, const Place& place, detect::ConditionRule& rule) {
  const Node& node = member.value;
  if (node.kind != Node::Kind::text) return place.error(node.at, "when: expected a condition such as \"a > 90%\"");
  const detect::ParsedCondition parsed = detect::parse_condition(node.text);
  if (!parsed.condition) return place.error(position_in(node, parsed.fault.at), "when: " + parsed.fault.message);
  rule.when = node.text;
}

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
  const Special take_when{"when", [&](const Member& member) { read_when(member, place, rule); }};
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
