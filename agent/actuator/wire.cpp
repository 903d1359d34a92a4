// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/wire.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <span>

#include "agent/base/text.h"
#include "agent/record/json_fields.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
namespace json = boost::json;

constexpr std::string_view kWords[] = {
    "execute", "query",  "status",   "halt", "resume",  "maintenance", "maintenance_off", "approve", "reject",
    "word",    "undone", "reenable", "undo", "release", "disarm",      "rearm",           "audit"};
constexpr std::size_t kMostWireText = 512;

Error malformed(std::string text) { return make_error(ErrorCode::malformed, std::move(text)); }

std::optional<RequestKind> request_kind_from(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kWords); ++i)
    if (kWords[i] == text) return static_cast<RequestKind>(i);
  return std::nullopt;
}

// Errors if `given` has a field, at any depth, that `canonical`, which was written from what was understood, has not.
Status same_fields(const json::value& given, const json::value& canonical, std::string_view where) {
  if (!given.is_object() || !canonical.is_object()) return ok();
  for (const auto& [name, value] : given.get_object()) {
    const json::value* known = canonical.get_object().if_contains(name);
    if (known == nullptr)
      return malformed(std::string(where) + ": unknown field '" + printable({name.data(), name.size()}, 64) + "'");
    if (Status below = same_fields(value, *known, {name.data(), name.size()}); !below) return below;
  }
  return ok();
}

json::object body_of(const ActuatorRequest& request) {
  json::object body{{"request", json::string(to_string(request.kind))}};
  switch (request.kind) {
    case RequestKind::execute: body["order"] = to_json_object(request.order); break;
    case RequestKind::approve:
    case RequestKind::reject: body["plan"] = to_json_object(request.plan); [[fallthrough]];
    case RequestKind::query:
    case RequestKind::release: body["key"] = request.key; break;
    case RequestKind::word: body["word"] = to_json_object(request.word); break;
    case RequestKind::undo: body["key"] = request.key; [[fallthrough]];
    case RequestKind::halt:
      body["by"] = request.by;
      body["reason"] = request.reason;
      break;
    case RequestKind::maintenance:
      body["until_unix_nano"] = to_ns(request.until);
      body["by"] = request.by;
      body["reason"] = request.reason;
      body["entity"] = request.entity;
      break;
    case RequestKind::maintenance_off: body["entity"] = request.entity; break;
    case RequestKind::undone: body["by"] = request.by; [[fallthrough]];
    case RequestKind::reenable:
      body["target"] = to_string(request.target);
      body["action"] = request.action;
      break;
    case RequestKind::disarm:
      body["by"] = request.by;
      body["reason"] = request.reason;
      [[fallthrough]];
    case RequestKind::rearm: body["runbook"] = request.runbook; break;
    case RequestKind::status:
    case RequestKind::audit:
    case RequestKind::resume: break;
  }
  return body;
}

// The fields of a request, by its kind.
void read_fields(JsonFields& fields, ActuatorRequest& out) {
  switch (out.kind) {
    case RequestKind::execute: fields.nested("order", out.order, order_from_value); break;
    case RequestKind::approve:
    case RequestKind::reject: fields.nested("plan", out.plan, plan_from_value); [[fallthrough]];
    case RequestKind::query:
    case RequestKind::release: fields.text("key", out.key, 64); break;
    case RequestKind::word: fields.nested("word", out.word, word_from_value); break;
    case RequestKind::undo: fields.text("key", out.key, 64); [[fallthrough]];
    case RequestKind::halt:
      fields.text("by", out.by, kMostWireText);
      fields.text("reason", out.reason, kMostWireText);
      break;
    case RequestKind::maintenance:
      fields.time("until_unix_nano", out.until);
      fields.text("by", out.by, kMostWireText);
      fields.text("reason", out.reason, kMostWireText);
      fields.text("entity", out.entity, kMostWireText);
      break;
    case RequestKind::maintenance_off: fields.text("entity", out.entity, kMostWireText); break;
    case RequestKind::undone: fields.text("by", out.by, kMostWireText); [[fallthrough]];
    case RequestKind::reenable:
      fields.entity("target", out.target);
      fields.text("action", out.action, 64);
      break;
    case RequestKind::disarm:
      fields.text("by", out.by, kMostWireText);
      fields.text("reason", out.reason, kMostWireText);
      [[fallthrough]];
    case RequestKind::rearm: fields.text("runbook", out.runbook, kMostWireText); break;
    case RequestKind::status:
    case RequestKind::audit:
    case RequestKind::resume: break;
  }
}

bool has_key(RequestKind kind) {
  using enum RequestKind;
  return kind == query || kind == approve || kind == reject || kind == undo || kind == release;
}

json::object to_object(const guard::PastAction& past) {
  return {{"key", past.key},
          {"target", to_string(past.target)},
          {"runbook", past.runbook},
          {"action", past.action},
          {"at_unix_nano", to_ns(past.at)},
          {"result", past.finished ? json::string(to_string(past.result)) : json::string()},
          {"by_hand_undone", past.by_hand_undone},
          {"undoes", past.undoes}};
}

json::object to_object(const Measure& measure) {
  return {{"key", measure.key},
          {"action", measure.action},
          {"what", printable(measure.what, kMostWireText - 3)},
          {"target", to_string(measure.target)},
          {"since_unix_nano", to_ns(measure.since)},
          {"ends_unix_nano", to_ns(measure.ends_at)}};
}

json::object to_object(const guard::Disarmed& one) {
  return {{"runbook", one.runbook}, {"by", one.by}, {"reason", one.reason}, {"at_unix_nano", to_ns(one.at)}};
}

json::object to_object(const LedgerAudit& audit) {
  return {{"orders", audit.orders}, {"open", audit.open},     {"links", audit.links},           {"first", audit.first},
          {"head", audit.head},     {"broken", audit.broken}, {"at_unix_nano", to_ns(audit.at)}};
}

json::object to_object(const ActuatorStatus& status) {
  json::array maintenance, recent, measures, disarmed;
  for (const Measure& measure : status.measures) measures.push_back(to_object(measure));
  for (const guard::Disarmed& one : status.disarmed) disarmed.push_back(to_object(one));
  for (const guard::Maintenance& window : status.brakes.maintenance)
    maintenance.push_back(json::object{{"until_unix_nano", to_ns(window.until)},
                                       {"by", window.by},
                                       {"reason", window.reason},
                                       {"entity", window.entity}});
  for (const guard::PastAction& past : status.recent) recent.push_back(to_object(past));
  return {{"halted", status.brakes.halted},
          {"halted_by", status.brakes.halted_by},
          {"halt_reason", status.brakes.halt_reason},
          {"halted_at_unix_nano", to_ns(status.brakes.halted_at)},
          {"maintenance", std::move(maintenance)},
          {"disarmed", std::move(disarmed)},
          {"measures", std::move(measures)},
          {"recent", std::move(recent)},
          {"running", status.running},
          {"policy", status.policy},
          {"ledger", status.ledger}};
}

Result<guard::Maintenance> maintenance_from(const json::value& value, const std::string& where) {
  guard::Maintenance out;
  JsonFields fields(value, where);
  fields.time("until_unix_nano", out.until);
  fields.text("by", out.by, kMostWireText);
  fields.text("reason", out.reason, kMostWireText);
  fields.text("entity", out.entity, kMostWireText);
  return fields.finish(std::move(out));
}

Result<guard::PastAction> past_from(const json::value& value, const std::string& where) {
  guard::PastAction out;
  JsonFields fields(value, where);
  std::string result;
  fields.text("key", out.key, 64);
  fields.entity("target", out.target);
  fields.text("runbook", out.runbook, kMostWireText);
  fields.text("action", out.action, kMostWireText);
  fields.time("at_unix_nano", out.at);
  fields.text("result", result, 64);
  fields.boolean("by_hand_undone", out.by_hand_undone);
  fields.text("undoes", out.undoes, 64);
  const auto known = outcome_result_from(result);
  out.finished = known.has_value();
  out.result = known.value_or(OutcomeResult::interrupted);
  return fields.finish(std::move(out));
}

Result<Measure> measure_from(const json::value& value, const std::string& where) {
  Measure out;
  JsonFields fields(value, where);
  fields.text("key", out.key, 64);
  fields.text("action", out.action, kMostWireText);
  fields.text("what", out.what, kMostWireText);
  fields.entity("target", out.target);
  fields.time("since_unix_nano", out.since);
  fields.time("ends_unix_nano", out.ends_at);
  return fields.finish(std::move(out));
}

Result<guard::Disarmed> disarmed_from(const json::value& value, const std::string& where) {
  guard::Disarmed out;
  JsonFields fields(value, where);
  fields.text("runbook", out.runbook, kMostWireText);
  fields.text("by", out.by, kMostWireText);
  fields.text("reason", out.reason, kMostWireText);
  fields.time("at_unix_nano", out.at);
  return fields.finish(std::move(out));
}

Result<LedgerAudit> audit_from(const json::value& value, std::string_view where) {
  LedgerAudit out;
  JsonFields fields(value, std::string(where));
  fields.integer("orders", out.orders);
  fields.integer("open", out.open);
  fields.integer("links", out.links);
  fields.integer("first", out.first);
  fields.text("head", out.head, 64);
  fields.text("broken", out.broken, kMostWireText);
  fields.time("at_unix_nano", out.at);
  return fields.finish(std::move(out));
}

Result<ActuatorStatus> status_from(const json::value& value, const std::string& where) {
  ActuatorStatus out;
  JsonFields fields(value, where);
  fields.boolean("halted", out.brakes.halted);
  fields.text("halted_by", out.brakes.halted_by, kMostWireText);
  fields.text("halt_reason", out.brakes.halt_reason, kMostWireText);
  fields.time("halted_at_unix_nano", out.brakes.halted_at);
  fields.list("maintenance", out.brakes.maintenance, Ledger::kMostMaintenance, maintenance_from);
  fields.list("disarmed", out.disarmed, kMostRecent, disarmed_from);
  fields.list("measures", out.measures, kMostRecent, measure_from);
  fields.list("recent", out.recent, kMostRecent, past_from);
  fields.text("running", out.running, 64);
  fields.text("policy", out.policy, kMostWireText);
  fields.text("ledger", out.ledger, kMostWireText);
  return fields.finish(std::move(out));
}

json::object body_of(const ActuatorAnswer& answer) {
  json::object body{{"ok", answer.ok}};
  if (!answer.ok) {
    body["code"] = json::string(to_string(answer.code));
    body["error"] = printable(answer.error, kMostWireText);
    return body;
  }
  body["known"] = answer.known;
  if (answer.outcome) body["outcome"] = to_json_object(*answer.outcome);
  if (answer.status) body["status"] = to_object(*answer.status);
  if (answer.audit) body["audit"] = to_object(*answer.audit);
  if (!answer.by.empty()) body["by"] = answer.by;
  return body;
}

ErrorCode error_code_from(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::conflict); ++i)
    if (to_string(static_cast<ErrorCode>(i)) == text) return static_cast<ErrorCode>(i);
  return ErrorCode::conflict;
}

}  // namespace

std::string_view to_string(RequestKind kind) { return kWords[static_cast<std::size_t>(kind)]; }

bool is_order_key(std::string_view text) {
  return text.size() == 24 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string encode(const ActuatorRequest& request) { return json::serialize(body_of(request)); }

std::string encode(const ActuatorAnswer& answer) {
  std::string text = json::serialize(body_of(answer));
  if (text.size() <= kMostMessage) return text;
  // The outcome itself always fits; what explains it at length may not.
  ActuatorAnswer shorter = answer;
  if (shorter.outcome) shorter.outcome->verdict.answers.clear();
  if (shorter.status) {
    shorter.status->recent.clear();
    shorter.status->measures.clear();
  }
  return json::serialize(body_of(shorter));
}

Result<ActuatorRequest> decode_request(std::string_view text) {
  const auto value = parse_json(text, kMostMessage);
  if (!value) return value.error();
  ActuatorRequest out;
  JsonFields fields(*value, "");
  fields.word("request", out.kind, request_kind_from);
  read_fields(fields, out);
  auto read = fields.finish(std::move(out));
  if (!read) return read;
  if (Status known = same_fields(*value, body_of(*read), "request"); !known) return known.error();
  if (has_key(read->kind) && !is_order_key(read->key)) return malformed("key: not 24 lower-case hex digits");
  if (read->kind == RequestKind::execute && !is_order_key(read->order.key))
    return malformed("order.key: not 24 lower-case hex digits");
  if (read->kind == RequestKind::word && !is_order_key(read->word.key))
    return malformed("word.key: not 24 lower-case hex digits");
  if (!read->order.undoes.empty() && !is_order_key(read->order.undoes))
    return malformed("order.undoes: not 24 lower-case hex digits");
  return read;
}

Result<ActuatorAnswer> decode_answer(std::string_view text) {
  const auto value = parse_json(text, kMostMessage);
  if (!value) return value.error();
  ActuatorAnswer out;
  JsonFields fields(*value, "");
  fields.boolean("ok", out.ok);
  const json::object* object = value->if_object();
  if (object != nullptr && out.ok) {
    fields.boolean("known", out.known);
    if (object->contains("outcome")) fields.nested("outcome", out.outcome.emplace(), outcome_from_value);
    if (object->contains("status")) fields.nested("status", out.status.emplace(), status_from);
    if (object->contains("audit")) fields.nested("audit", out.audit.emplace(), audit_from);
    if (object->contains("by")) fields.text("by", out.by, kMostWireText);
  } else if (object != nullptr) {
    std::string code;
    fields.text("code", code, 64);
    fields.text("error", out.error, kMostWireText);
    out.code = error_code_from(code);
  }
  return fields.finish(std::move(out));
}

ActuatorAnswer refusal(const Error& error) {
  ActuatorAnswer answer;
  answer.code = error.code;
  answer.error = error.message();
  return answer;
}

}  // namespace hostmedic
