// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/compile.h"

#include <algorithm>
#include <set>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic::detect {

namespace {

Error rule_error(const std::string& id, std::string text) {
  return make_error(ErrorCode::malformed, "rule '" + id + "': " + std::move(text));
}

std::string with_nearest(std::string text, std::string_view word, std::span<const std::string_view> known) {
  const std::string_view close = nearest(word, known);
  if (close.empty()) return text;
  return text + ", did you mean '" + std::string(close) + "'?";
}

Result<std::vector<double>> complete_params(const Rule& rule, const DetectorInfo& detector) {
  std::vector<double> values;
  std::vector<std::string_view> names;
  for (const ParamSpec& spec : detector.params) {
    values.push_back(spec.fallback);
    names.push_back(spec.name);
  }
  for (const auto& [name, value] : rule.params) {
    const auto known = std::ranges::find(names, name);
    if (known == names.end())
      return rule_error(
          rule.id, with_nearest("the detector '" + rule.detector + "' has no parameter '" + name + "'", name, names));
    const ParamSpec& spec = detector.params[static_cast<std::size_t>(known - names.begin())];
    if (!(value >= spec.min && value <= spec.max))
      return rule_error(rule.id, strf("%s = %g is outside %g..%g", name.c_str(), value, spec.min, spec.max));
    values[static_cast<std::size_t>(known - names.begin())] = value;
  }
  return values;
}

Result<CompiledRule> compile(const Rule& rule) {
  CompiledRule compiled{rule, find_detector(rule.detector), {}};
  if (compiled.detector == nullptr) {
    std::vector<std::string_view> names;
    for (const DetectorInfo* info : all_detectors()) names.push_back(info->name);
    return rule_error(rule.id, with_nearest("there is no detector '" + rule.detector + "'", rule.detector, names));
  }
  if (!(rule.weight >= 0 && rule.weight <= 1)) return rule_error(rule.id, "the weight is outside 0..1");
  if (rule.opens && rule.incident_kind.empty()) return rule_error(rule.id, "it opens incidents of no kind");
  auto values = complete_params(rule, *compiled.detector);
  if (!values) return std::move(values).error();
  compiled.values = *std::move(values);
  return compiled;
}

Status check(const EventRule& rule) {
  if (!(rule.probability >= 0 && rule.probability <= 1)) return rule_error(rule.id, "the probability is outside 0..1");
  if (rule.opens && rule.incident_kind.empty()) return rule_error(rule.id, "it opens incidents of no kind");
  if (rule.key.empty()) return rule_error(rule.id, "it names no attribute");
  if (rule.clear_values.empty() && rule.expires <= Duration::zero())
    return rule_error(rule.id, "it has neither values that clear it nor a time after which it expires");
  return ok();
}

}  // namespace

Result<std::vector<CompiledRule>> compile_rules(const EngineConfig& config) {
  std::set<std::string_view> ids;
  const auto is_new = [&](const std::string& id) { return !id.empty() && ids.insert(id).second; };
  const auto repeated = [](const std::string& id) { return rule_error(id, "the id is empty or used twice"); };
  std::vector<CompiledRule> compiled;
  for (const Rule& rule : config.rules) {
    if (!is_new(rule.id)) return repeated(rule.id);
    auto result = compile(rule);
    if (!result) return std::move(result).error();
    if (rule.enabled) compiled.push_back(*std::move(result));
  }
  for (const EventRule& rule : config.event_rules) {
    if (!is_new(rule.id)) return repeated(rule.id);
    if (auto status = check(rule); !status) return std::move(status).error();
  }
  for (const ConditionRule& rule : config.condition_rules)
    if (!is_new(rule.id)) return repeated(rule.id);
  return compiled;
}

SignalRule signal_rule(const Rule& rule, Duration quiet_after) {
  return {.id = rule.id,
          .source = rule.metric,
          .incident_kind = rule.incident_kind,
          .detector = rule.detector,
          .severity = rule.severity,
          .proof = rule.proof,
          .opens = rule.opens,
          .quiet_after = quiet_after,
          .expires = {},
          .open_after = {}};
}

SignalRule signal_rule(const EventRule& rule) {
  return {.id = rule.id,
          .source = std::string(to_string(rule.kind)),
          .incident_kind = rule.incident_kind,
          .detector = {},
          .severity = rule.severity,
          .proof = rule.proof,
          .opens = rule.opens,
          .quiet_after = rule.quiet_after,
          .expires = rule.expires,
          .open_after = rule.open_after};
}

bool fires(const EventRule& rule, const Event& event) {
  const std::string_view value = event.get(rule.key);
  if (value.empty() || !glob_match(rule.value, value)) return false;
  if (!rule.at_least) return true;
  const auto number = parse_double(value);
  return number && *number >= *rule.at_least;
}

}  // namespace hostmedic::detect
