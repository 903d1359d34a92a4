// SPDX-License-Identifier: Apache-2.0
// Incidents, plans, orders, verdicts and outcomes as JSON text: the stored and the transmitted form. Pure; any thread.
//
//   incident = {id, revision, root, kind, fingerprint, severity, state, confidence, signals, proof, active,
//               suspicion, flaps, flapping, part_of, acknowledged_by, fault_at_unix_nano, opened_at_unix_nano,
//               opened_mono_nano, closed_at_unix_nano | null, summary, diagnosis, anomalies: [anomaly],
//               affected: [{entity, path, symptom}], causes: [entity], candidates: [{entity, score, why}],
//               changes: [{entity, at_unix_nano, text, probability}], context: [{what, found}], timeline: [entry]}
//   anomaly  = {entity, rule, signal, probability, direction, value | null, expected | null, unit, evidence,
//               since_mono_nano, since_unix_nano, normal_low | null, normal_high | null, firing, proof}
//   entry    = {at_unix_nano, kind, text, attributes}
//   plan     = {action, target, parameters, what, command, undo, touched, timeout_nano, lasts_nano}
//   order    = {key, incident_id, incident_kind, runbook, step, plan, confidence, signals, proof, issued_at_unix_nano,
//               expires_at_unix_nano, approved_by, undoes, not_while, cooldown_nano, touched_most}
//   verdict  = {decision, answers: [{rule, decision, reason}]}
//   outcome  = {key, result, started_at_unix_nano, ended_at_unix_nano, text, details, verdict}
//
// Entities are words ("service:nginx.service"), enums are their words, attributes, parameters and details are objects
// of strings (of equal keys the first counts), units are UCUM. Every field is required; unknown fields are ignored, so
// that an older reader takes what a newer writer says. Texts are made printable and cut when written, so what is
// written can be read again. A number that is not finite is written as null where null is allowed, else as 0.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "actions/action.h"
#include "agent/base/result.h"
#include "detect/model/incident.h"

namespace hostmedic {

// Of one JSON text; nothing written is longer. An incident that would be is written without its timeline's attributes.
inline constexpr std::size_t kMostRecordBytes = 1 << 20;
inline constexpr std::size_t kMostRecordText = 1024;    // of one sentence, in bytes
inline constexpr std::size_t kMostRecordEntities = 64;  // causes
inline constexpr std::size_t kMostRecordContext = 16;
inline constexpr std::size_t kMostRecordAnswers = 64;     // of a verdict
inline constexpr std::size_t kMostRecordAttributes = 64;  // of anything; a verdict in a timeline has one for each rule

std::string to_json(const Incident& incident);
std::string to_json(const Plan& plan);
std::string to_json(const Order& order);
std::string to_json(const Verdict& verdict);
std::string to_json(const Outcome& outcome);

// Errors are malformed or limit and name the field: "timeline[3].kind: unknown word 'x'".
Result<Incident> incident_from_json(std::string_view text);
Result<Plan> plan_from_json(std::string_view text);
Result<Order> order_from_json(std::string_view text);
Result<Verdict> verdict_from_json(std::string_view text);
Result<Outcome> outcome_from_json(std::string_view text);

}  // namespace hostmedic
