// SPDX-License-Identifier: Apache-2.0
// [[rule]] and [[event_rule]]: which detector watches what. The detectors' own tables check the parameters.
#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/config/agent_keys.h"
#include "detect/detector.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostRules = 500;
constexpr Limits kShare{.least = 0, .most = 1};
constexpr Limits kName{.form = Form::name};

template <auto Field>
constexpr Key<detect::Rule> rule_key(std::string_view name, Limits limits, std::string_view doc) {
  return key<detect::Rule, Field>("", name, limits, false, doc);
}
template <auto Field>
constexpr Key<detect::EventRule> event_key(std::string_view name, Limits limits, std::string_view doc) {
  return key<detect::EventRule, Field>("", name, limits, false, doc);
}
#define FIELD(member) [](auto& rule) -> auto& { return rule.member; }

const Key<detect::Rule> kRuleKeys[] = {
    rule_key<FIELD(id)>("id", kName, "Names the rule that is changed, or a new one."),
    rule_key<FIELD(enabled)>("enabled", {}, "false: the rule is not used."),
    rule_key<FIELD(metric)>("metric", kName, "Series that it watches; `hostmedic list series` names them."),
    rule_key<FIELD(attributes)>("attributes", {}, "Pattern over the series' attributes. Empty: series without any."),
    rule_key<FIELD(entity)>("entity", {}, "Pattern over the entity, such as \"filesystem:/srv*\"."),
    rule_key<FIELD(detector)>("detector", kName, "Detector; `hostmedic list detectors` names them."),
    rule_key<FIELD(incident_kind)>("incident_kind", kName, "Kind of the incident that it opens."),
    rule_key<FIELD(severity)>("severity", {}, "How grave the incident is."),
    rule_key<FIELD(weight)>("weight", kShare, "Multiplies the detector's probability."),
    rule_key<FIELD(proof)>("proof", {}, "true: enough by itself to act on."),
    rule_key<FIELD(opens)>("opens", {}, "false: only supports an incident that another rule opened."),
    rule_key<FIELD(why)>("why", {}, "The reason for the numbers."),
};

const Key<detect::EventRule> kEventRuleKeys[] = {
    event_key<FIELD(id)>("id", kName, "Names the rule that is changed."),
    event_key<FIELD(enabled)>("enabled", {}, "false: the rule is not used."),
    event_key<FIELD(entity)>("entity", {}, "Pattern over the entity, such as \"service:nginx*\"."),
    event_key<FIELD(severity)>("severity", {}, "How grave the incident is."),
    event_key<FIELD(probability)>("probability", kShare, "How sure it is that the event is a real problem."),
    event_key<FIELD(proof)>("proof", {}, "true: enough by itself to act on."),
    event_key<FIELD(why)>("why", {}, "The reason for the numbers."),
};
#undef FIELD

// The number of a detector's parameter: a quantity is written with its unit.
std::optional<Fault> read_param(const Node& node, const detect::ParamSpec& spec, double& ret_value) {
  const Limits limits{.least = spec.min, .most = spec.max};
  switch (spec.unit) {
    case Unit::seconds: {
      Duration value{};
      if (auto wrong = read_value(node, limits, value)) return wrong;
      ret_value = to_seconds(value);
      return std::nullopt;
    }
    case Unit::bytes:
    case Unit::bytes_per_second: {
      Bytes value;
      if (auto wrong = read_value(node, limits, value)) return wrong;
      ret_value = static_cast<double>(value.count);
      return std::nullopt;
    }
    case Unit::ratio:
    case Unit::count:
    case Unit::per_second:
    case Unit::celsius: return read_value(node, limits, ret_value);
  }
  return Fault{node.at, "a unit that is not known"};
}

void read_params(const Member& member, const detect::DetectorInfo& detector, const Place& place, detect::Rule& rule) {
  if (member.value.kind != Node::Kind::table) return place.error(member.at, "expected a table, params = { ... }");
  std::vector<std::string_view> known;
  for (const detect::ParamSpec& spec : detector.params) known.push_back(spec.name);
  for (const Member& param : member.value.members) {
    const auto spec = std::find_if(detector.params.begin(), detector.params.end(),
                                   [&](const detect::ParamSpec& each) { return each.name == param.name; });
    if (spec == detector.params.end()) {
      place.error(param.at, unknown_text("parameter of detector '" + rule.detector + "':", param.name, known));
      continue;
    }
    double value = 0;
    if (auto wrong = read_param(param.value, *spec, value)) {
      place.error(wrong->at, param.name + ": " + wrong->message);
      continue;
    }
    const auto old = std::find_if(rule.params.begin(), rule.params.end(),
                                  [&](const auto& each) { return each.first == param.name; });
    if (old != rule.params.end()) {
      old->second = value;
    } else {
      rule.params.emplace_back(param.name, value);
    }
  }
}

// The id of a table of rules; reported and empty when it is missing or malformed.
std::string id_of(const Node& table, const Place& place) {
  std::string id;
  const Node* node = find_member(table, "id");
  if (node == nullptr) {
    place.error(table.at, "a rule needs an id");
  } else if (auto wrong = read_value(*node, kName, id)) {
    place.error(wrong->at, "id: " + wrong->message);
    id.clear();
  }
  return id;
}

template <class Rules>
auto find_rule(Rules& rules, const std::string& id) {
  return std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.id == id; });
}

template <class Rules>
std::vector<std::string_view> ids_of(const Rules& rules) {
  std::vector<std::string_view> ids;
  for (const auto& rule : rules) ids.push_back(rule.id);
  return ids;
}

// A new rule must say what it watches, how, and what it means.
bool complete(const Node& table, const detect::Rule& rule, bool known, const detect::EngineConfig& engine,
              const Place& place) {
  if (known) return true;
  bool whole = true;
  for (const std::string_view needed : {"metric", "detector", "incident_kind"}) {
    if (find_member(table, needed) != nullptr || (needed == "incident_kind" && !rule.opens)) continue;
    std::vector<std::string_view> ids = ids_of(engine.rules);
    for (const detect::ConditionRule& each : engine.condition_rules) ids.push_back(each.id);
    std::string text = unknown_text("rule", rule.id, ids);
    if (text.find("did you mean") == std::string::npos)
      text = "the new rule '" + rule.id + "' needs the key '" + std::string(needed) + "'";
    place.error(position_of(table, "id"), text);
    return false;
  }
  if (engine.rules.size() >= kMostRules) {
    place.error(table.at, "more than 500 rules");
    whole = false;
  }
  return whole;
}

}  // namespace

std::span<const Key<detect::Rule>> rule_keys() { return kRuleKeys; }
std::span<const Key<detect::EventRule>> event_rule_keys() { return kEventRuleKeys; }

void read_rule(const Node& table, const Place& place, detect::EngineConfig& engine) {
  const std::string id = id_of(table, place);
  if (id.empty()) return;
  if (is_condition_rule(table, engine)) return read_condition_rule(table, id, place, engine);
  const auto old = find_rule(engine.rules, id);
  detect::Rule rule = old != engine.rules.end() ? *old : detect::Rule{};
  const std::string old_detector = rule.detector;
  const Member* params = nullptr;
  const Special take_params{"params", [&](const Member& member) { params = &member; }};
  read_table<detect::Rule>(table, "", rule_keys(), std::span(&take_params, 1), place, rule);
  if (!complete(table, rule, old != engine.rules.end(), engine, place)) return;

  const detect::DetectorInfo* detector = detect::find_detector(rule.detector);
  if (detector == nullptr) {
    std::vector<std::string_view> known;
    for (const detect::DetectorInfo* info : detect::all_detectors()) known.push_back(info->name);
    return place.error(position_of(table, "detector"), unknown_text("detector", rule.detector, known));
  }
  if (rule.detector != old_detector) rule.params.clear();  // they belonged to the other one
  if (params != nullptr) read_params(*params, *detector, place, rule);
  if (old != engine.rules.end()) {
    *old = std::move(rule);
  } else {
    engine.rules.push_back(std::move(rule));
  }
}

void read_event_rule(const Node& table, const Place& place, detect::EngineConfig& engine) {
  const std::string id = id_of(table, place);
  if (id.empty()) return;
  const auto old = find_rule(engine.event_rules, id);
  if (old == engine.event_rules.end())
    return place.error(position_of(table, "id"), unknown_text("event rule", id, ids_of(engine.event_rules)));
  read_table<detect::EventRule>(table, "", event_rule_keys(), {}, place, *old);
}

std::string row_text(const detect::Rule& rule) {
  std::string text;
  for (const Key<detect::Rule>& key : kRuleKeys) text += key.show(rule) + " ";
  for (const auto& [name, value] : rule.params) text += strf("%s=%.17g ", name.c_str(), value);
  return text;
}

std::string row_text(const detect::EventRule& rule) {
  std::string text;
  for (const Key<detect::EventRule>& key : kEventRuleKeys) text += key.show(rule) + " ";
  return text;
}

}  // namespace hostmedic
