// SPDX-License-Identifier: Apache-2.0
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "agent/base/text.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
namespace json = boost::json;

json::string_view sv(std::string_view text) { return {text.data(), text.size()}; }

json::string put(std::string_view text, std::size_t most = kMostRecordText) {
  const std::string clean = printable(text, text.size() <= most ? most : most - 3);  // a cut adds "..."
  return json::string(sv(clean));
}

// 15 significant digits: as many as every reader of decimal numbers gives back unchanged.
double rounded(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 14).ptr;
  double result = 0;
  std::from_chars(text, end, result);
  return result;
}
double number(double value) { return std::isfinite(value) ? rounded(value) : 0; }
json::value number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return rounded(*value);
}

json::string word(std::string_view text) { return json::string(sv(text)); }
json::string entity(const Entity& of) { return put(to_string(of), kMostEntityName + 32); }

json::array entities(const std::vector<Entity>& list) {
  json::array out;
  for (const Entity& one : list) {
    if (out.size() == kMostRecordEntities) break;
    out.emplace_back(entity(one));
  }
  return out;
}

json::object attributes(const std::vector<Attribute>& list) {
  json::object out;
  for (const Attribute& one : list) {
    if (out.size() == kMostRecordAttributes) break;
    out.emplace(put(one.key, kMostAttributeKey), put(one.value, kMostAttributeValue));  // keeps the first of equal keys
  }
  return out;
}

json::object anomaly(const Anomaly& of) {
  return {
      {"entity", entity(of.entity)},
      {"rule", put(of.rule)},
      {"signal", put(of.signal)},
      {"probability", number(of.probability)},
      {"direction", word(to_string(of.direction))},
      {"value", number(of.value)},
      {"expected", number(of.expected)},
      {"unit", word(to_string(of.unit))},
      {"evidence", put(of.evidence)},
      {"since_mono_nano", to_ns(of.since)},
      {"since_unix_nano", to_ns(of.since_wall)},
      {"normal_low", number(of.normal_low)},
      {"normal_high", number(of.normal_high)},
      {"firing", of.firing},
      {"proof", of.proof},
  };
}

json::object entry(const TimelineEntry& of, bool with_attributes) {
  return {
      {"at_unix_nano", to_ns(of.at)},
      {"kind", word(to_string(of.kind))},
      {"text", put(of.text)},
      {"attributes", with_attributes ? attributes(of.attributes) : json::object()},
  };
}
}  // namespace

template <class T, class Write>
static json::array list(const std::vector<T>& all, std::size_t most, Write write) {
  json::array out;
  for (const T& one : all)
    if (out.size() < most) out.emplace_back(write(one));
  return out;
}

static json::object to_json_object(const Affected& of) {
  return {{"entity", entity(of.entity)}, {"path", put(of.path)}, {"symptom", put(of.symptom)}};
}
static json::object to_json_object(const Candidate& of) {
  return {{"entity", entity(of.entity)}, {"score", number(of.score)}, {"why", put(of.why)}};
}
static json::object to_json_object(const RecentChange& of) {
  return {{"entity", entity(of.entity)},
          {"at_unix_nano", to_ns(of.at)},
          {"text", put(of.text)},
          {"probability", number(of.probability)}};
}
static json::object to_json_object(const ContextCheck& of) {
  return {{"what", put(of.what)}, {"found", put(of.found)}};
}

static json::object to_json_object(const Incident& incident, bool with_attributes) {
  const auto object = [](const auto& one) { return to_json_object(one); };
  json::array anomalies, timeline;
  for (const Anomaly& one : incident.anomalies)
    if (anomalies.size() < kMostAnomalies) anomalies.emplace_back(anomaly(one));
  for (const TimelineEntry& one : incident.timeline)
    if (timeline.size() < kMostTimeline) timeline.emplace_back(entry(one, with_attributes));
  json::value closed = nullptr;
  if (incident.closed_at) closed = to_ns(*incident.closed_at);
  return {
      {"id", put(incident.id)},
      {"revision", incident.revision},
      {"root", entity(incident.root)},
      {"kind", put(incident.kind)},
      {"fingerprint", put(incident.fingerprint)},
      {"severity", word(to_string(incident.severity))},
      {"state", word(to_string(incident.state))},
      {"confidence", number(incident.confidence)},
      {"signals", incident.signals},
      {"proof", incident.proof},
      {"active", incident.active},
      {"suspicion", incident.suspicion},
      {"flaps", incident.flaps},
      {"flapping", incident.flapping},
      {"part_of", put(incident.part_of)},
      {"acknowledged_by", put(incident.acknowledged_by)},
      {"fault_at_unix_nano", to_ns(incident.fault_at)},
      {"opened_at_unix_nano", to_ns(incident.opened_at)},
      {"opened_mono_nano", to_ns(incident.opened_mono)},
      {"closed_at_unix_nano", closed},
      {"summary", put(incident.summary)},
      {"diagnosis", put(incident.diagnosis)},
      {"anomalies", std::move(anomalies)},
      {"affected", list(incident.affected, kMostAffected, object)},
      {"causes", entities(incident.causes)},
      {"candidates", list(incident.candidates, kMostCandidates, object)},
      {"changes", list(incident.changes, kMostChanges, object)},
      {"context", list(incident.context, kMostRecordContext, object)},
      {"timeline", std::move(timeline)},
  };
}

json::object to_json_object(const Incident& incident) {
  json::object whole = to_json_object(incident, true);
  if (json::serialize(whole).size() <= kMostRecordBytes) return whole;
  return to_json_object(incident, false);
}

json::object to_json_object(const Plan& plan) {
  return {
      {"action", put(plan.action)}, {"target", entity(plan.target)},       {"parameters", attributes(plan.parameters)},
      {"what", put(plan.what)},     {"command", put(plan.command)},        {"undo", put(plan.undo)},
      {"touched", plan.touched},    {"timeout_nano", to_ns(plan.timeout)}, {"lasts_nano", to_ns(plan.lasts)},
  };
}

json::object to_json_object(const Order& order) {
  return {
      {"key", put(order.key)},
      {"incident_id", put(order.incident_id)},
      {"incident_kind", put(order.incident_kind)},
      {"runbook", put(order.runbook)},
      {"step", order.step},
      {"plan", to_json_object(order.plan)},
      {"confidence", number(order.confidence)},
      {"signals", order.signals},
      {"proof", order.proof},
      {"issued_at_unix_nano", to_ns(order.issued_at)},
      {"expires_at_unix_nano", to_ns(order.expires_at)},
      {"approved_by", put(order.approved_by)},
      {"undoes", put(order.undoes)},
      {"not_while", put(order.not_while)},
      {"cooldown_nano", to_ns(order.cooldown)},
      {"touched_most", order.touched_most},
  };
}

json::object to_json_object(const Verdict& verdict) {
  json::array answers;
  for (const RuleAnswer& one : verdict.answers) {
    if (answers.size() == kMostRecordAnswers) break;
    answers.emplace_back(json::object{
        {"rule", put(one.rule)}, {"decision", word(to_string(one.decision))}, {"reason", put(one.reason)}});
  }
  return {{"decision", word(to_string(verdict.decision))}, {"answers", std::move(answers)}};
}

json::object to_json_object(const Outcome& outcome) {
  return {
      {"key", put(outcome.key)},
      {"result", word(to_string(outcome.result))},
      {"started_at_unix_nano", to_ns(outcome.started_at)},
      {"ended_at_unix_nano", to_ns(outcome.ended_at)},
      {"text", put(outcome.text)},
      {"details", attributes(outcome.details)},
      {"verdict", to_json_object(outcome.verdict)},
  };
}

std::string to_json(const Incident& incident) {
  std::string whole = json::serialize(to_json_object(incident, true));
  if (whole.size() <= kMostRecordBytes) return whole;
  return json::serialize(to_json_object(incident, false));
}
std::string to_json(const Plan& plan) { return json::serialize(to_json_object(plan)); }
std::string to_json(const Order& order) { return json::serialize(to_json_object(order)); }
std::string to_json(const Verdict& verdict) { return json::serialize(to_json_object(verdict)); }
std::string to_json(const Outcome& outcome) { return json::serialize(to_json_object(outcome)); }

}  // namespace hostmedic
