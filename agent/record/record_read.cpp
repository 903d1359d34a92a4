// SPDX-License-Identifier: Apache-2.0
#include <boost/json/parse.hpp>

#include "agent/record/json_fields.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
namespace json = boost::json;

// Enums whose own folder reads no words: compares with what it writes.
template <class Enum, Enum last>
std::optional<Enum> from_words(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(last); ++i)
    if (to_string(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  return std::nullopt;
}

Result<Anomaly> anomaly_from(const json::value& value, const std::string& where) {
  Anomaly out;
  JsonFields fields(value, where);
  fields.entity("entity", out.entity);
  fields.text("rule", out.rule, kMostRecordText);
  fields.text("signal", out.signal, kMostRecordText);
  fields.number("probability", out.probability);
  fields.word("direction", out.direction, from_words<Direction, Direction::below>);
  fields.number_or_null("value", out.value);
  fields.number_or_null("expected", out.expected);
  fields.word("unit", out.unit, unit_from);
  fields.text("evidence", out.evidence, kMostRecordText);
  fields.time("since_mono_nano", out.since);
  fields.time("since_unix_nano", out.since_wall);
  fields.number_or_null("normal_low", out.normal_low);
  fields.number_or_null("normal_high", out.normal_high);
  fields.boolean("firing", out.firing);
  fields.boolean("proof", out.proof);
  return fields.finish(std::move(out));
}

Result<Affected> affected_from(const json::value& value, const std::string& where) {
  Affected out;
  JsonFields fields(value, where);
  fields.entity("entity", out.entity);
  fields.text("path", out.path, kMostRecordText);
  fields.text("symptom", out.symptom, kMostRecordText);
  return fields.finish(std::move(out));
}

Result<Candidate> candidate_from(const json::value& value, const std::string& where) {
  Candidate out;
  JsonFields fields(value, where);
  fields.entity("entity", out.entity);
  fields.number("score", out.score);
  fields.text("why", out.why, kMostRecordText);
  return fields.finish(std::move(out));
}

Result<RecentChange> change_from(const json::value& value, const std::string& where) {
  RecentChange out;
  JsonFields fields(value, where);
  fields.entity("entity", out.entity);
  fields.time("at_unix_nano", out.at);
  fields.text("text", out.text, kMostRecordText);
  fields.number("probability", out.probability);
  return fields.finish(std::move(out));
}

Result<ContextCheck> context_from(const json::value& value, const std::string& where) {
  ContextCheck out;
  JsonFields fields(value, where);
  fields.text("what", out.what, kMostRecordText);
  fields.text("found", out.found, kMostRecordText);
  return fields.finish(std::move(out));
}

Result<TimelineEntry> entry_from(const json::value& value, const std::string& where) {
  TimelineEntry out;
  JsonFields fields(value, where);
  fields.time("at_unix_nano", out.at);
  fields.word("kind", out.kind, timeline_kind_from);
  fields.text("text", out.text, kMostRecordText);
  fields.attributes("attributes", out.attributes);
  return fields.finish(std::move(out));
}

Result<RuleAnswer> answer_from(const json::value& value, const std::string& where) {
  RuleAnswer out;
  JsonFields fields(value, where);
  fields.text("rule", out.rule, kMostRecordText);
  fields.word("decision", out.decision, from_words<Decision, Decision::deny>);
  fields.text("reason", out.reason, kMostRecordText);
  return fields.finish(std::move(out));
}

template <class T>
Result<T> from_text(std::string_view text, Result<T> (*read)(const json::value&, std::string_view)) {
  const Result<json::value> value = parse_json(text);
  if (!value) return value.error();
  return read(*value, {});
}
}  // namespace

Result<json::value> parse_json(std::string_view text, std::size_t most) {
  if (text.size() > most) return make_error(ErrorCode::limit, strf("JSON longer than %zu bytes", most));
  json::parse_options options;
  options.max_depth = 16;
  boost::system::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return make_error(ErrorCode::malformed, "not JSON: " + error.message());
  return value;
}

Result<Incident> incident_from_value(const json::value& value, std::string_view where) {
  Incident out;
  JsonFields fields(value, std::string(where));
  fields.text("id", out.id, kMostRecordText);
  fields.integer("revision", out.revision);
  fields.entity("root", out.root);
  fields.text("kind", out.kind, kMostRecordText);
  fields.text("fingerprint", out.fingerprint, kMostRecordText);
  fields.word("severity", out.severity, severity_from);
  fields.word("state", out.state, incident_state_from);
  fields.number("confidence", out.confidence);
  fields.integer("signals", out.signals);
  fields.boolean("proof", out.proof);
  fields.boolean("active", out.active);
  fields.boolean("suspicion", out.suspicion);
  fields.integer("flaps", out.flaps);
  fields.boolean("flapping", out.flapping);
  fields.text("part_of", out.part_of, kMostRecordText);
  fields.text("acknowledged_by", out.acknowledged_by, kMostRecordText);
  fields.time("fault_at_unix_nano", out.fault_at);
  fields.time("opened_at_unix_nano", out.opened_at);
  fields.time("opened_mono_nano", out.opened_mono);
  fields.time_or_null("closed_at_unix_nano", out.closed_at);
  fields.text("summary", out.summary, kMostRecordText);
  fields.text("diagnosis", out.diagnosis, kMostRecordText);
  fields.list("anomalies", out.anomalies, kMostAnomalies, anomaly_from);
  fields.list("affected", out.affected, kMostAffected, affected_from);
  fields.entities("causes", out.causes, kMostRecordEntities);
  fields.list("candidates", out.candidates, kMostCandidates, candidate_from);
  fields.list("changes", out.changes, kMostChanges, change_from);
  fields.list("context", out.context, kMostRecordContext, context_from);
  fields.list("timeline", out.timeline, kMostTimeline, entry_from);
  return fields.finish(std::move(out));
}

Result<Plan> plan_from_value(const json::value& value, std::string_view where) {
  Plan out;
  JsonFields fields(value, std::string(where));
  fields.text("action", out.action, kMostRecordText);
  fields.entity("target", out.target);
  fields.attributes("parameters", out.parameters);
  fields.text("what", out.what, kMostRecordText);
  fields.text("command", out.command, kMostRecordText);
  fields.text("undo", out.undo, kMostRecordText);
  fields.integer("touched", out.touched);
  fields.duration("timeout_nano", out.timeout);
  fields.duration("lasts_nano", out.lasts);
  return fields.finish(std::move(out));
}

Result<Order> order_from_value(const json::value& value, std::string_view where) {
  Order out;
  JsonFields fields(value, std::string(where));
  fields.text("key", out.key, kMostRecordText);
  fields.text("incident_id", out.incident_id, kMostRecordText);
  fields.text("incident_kind", out.incident_kind, kMostRecordText);
  fields.text("runbook", out.runbook, kMostRecordText);
  fields.integer("step", out.step);
  fields.nested("plan", out.plan, plan_from_value);
  fields.number("confidence", out.confidence);
  fields.integer("signals", out.signals);
  fields.boolean("proof", out.proof);
  fields.time("issued_at_unix_nano", out.issued_at);
  fields.time("expires_at_unix_nano", out.expires_at);
  fields.text("approved_by", out.approved_by, kMostRecordText);
  fields.text("undoes", out.undoes, kMostRecordText);
  fields.text("not_while", out.not_while, kMostRecordText);
  fields.duration("cooldown_nano", out.cooldown);
  fields.integer("touched_most", out.touched_most);
  return fields.finish(std::move(out));
}

Result<Verdict> verdict_from_value(const json::value& value, std::string_view where) {
  Verdict out;
  JsonFields fields(value, std::string(where));
  fields.word("decision", out.decision, from_words<Decision, Decision::deny>);
  fields.list("answers", out.answers, kMostRecordAnswers, answer_from);
  return fields.finish(std::move(out));
}

Result<Outcome> outcome_from_value(const json::value& value, std::string_view where) {
  Outcome out;
  JsonFields fields(value, std::string(where));
  fields.text("key", out.key, kMostRecordText);
  fields.word("result", out.result, outcome_result_from);
  fields.time("started_at_unix_nano", out.started_at);
  fields.time("ended_at_unix_nano", out.ended_at);
  fields.text("text", out.text, kMostRecordText);
  fields.attributes("details", out.details);
  fields.nested("verdict", out.verdict, verdict_from_value);
  return fields.finish(std::move(out));
}

Result<Incident> incident_from_json(std::string_view text) { return from_text(text, incident_from_value); }
Result<Plan> plan_from_json(std::string_view text) { return from_text(text, plan_from_value); }
Result<Order> order_from_json(std::string_view text) { return from_text(text, order_from_value); }
Result<Verdict> verdict_from_json(std::string_view text) { return from_text(text, verdict_from_value); }
Result<Outcome> outcome_from_json(std::string_view text) { return from_text(text, outcome_from_value); }

}  // namespace hostmedic
