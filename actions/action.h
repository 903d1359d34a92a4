// SPDX-License-Identifier: Apache-2.0
// The vocabulary of acting: plan, order, verdict, outcome, and the contract of a catalogue entry. Plain values.
// Planning is pure and printable; effects live in catalog/<entry>/effect.cpp and run only in the actuator.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/host_view.h"
#include "detect/model/incident.h"

namespace hostmedic {

// How far a runbook may go by itself on an entity.
enum class Tier : std::uint8_t {
  observe,    // detect, explain, say what would have been done
  suggest,    // and offer the plan to a human
  approve,    // act when a human approves
  automatic,  // act when the guard allows; written "auto"
};
std::string_view to_string(Tier tier);
std::optional<Tier> tier_from(std::string_view text);

// What would be done. Printable; nothing has happened yet.
struct Plan {
  std::string action;  // catalogue name, "service.restart"
  Entity target;
  std::vector<Attribute> parameters;  // by the entry's own ParamText table
  std::string what;                   // one sentence: "restart nginx.service through systemd"
  std::string command;                // what a human would type for the same effect
  std::string undo;                   // how it is undone, one sentence; empty: cannot be undone
  int touched = 1;                    // blast radius: entities that feel it
  Duration timeout{};                 // for the effect
  Duration lasts{};                   // undone by itself after so long; 0: it stays

  std::string_view get(std::string_view key) const;
};

// A plan with a name, a reason and an end. Executed at most once.
struct Order {
  std::string key;  // idempotency key, 24 lower-case hex digits; names the transient unit
  std::string incident_id;
  std::string incident_kind;
  std::string runbook;
  int step = 0;
  Plan plan;
  double confidence = 0;
  int signals = 0;
  bool proof = false;
  WallTime issued_at;
  WallTime expires_at;
  std::string approved_by;  // "uid 0 (root)"; empty: nobody was asked
  std::string undoes;       // key of the order that it takes back; empty: it is no undo
  std::string not_while;    // kinds of busy work (guard/busy.h), spaces between, that it must not disturb
  Duration cooldown{};      // the runbook's own pause between two of its actions on one target
  int touched_most = 0;     // the runbook's own bound of the blast radius; 0: the policy's alone
};

enum class Decision : std::uint8_t {
  allow,
  hold,  // not now: a human or time may change it
  deny,
};
std::string_view to_string(Decision decision);

struct RuleAnswer {
  std::string rule;  // "rate-limit-target"
  Decision decision{};
  std::string reason;  // with its numbers: "2 of 3 actions on service:nginx.service in 1h0m"
};
struct Verdict {
  Decision decision = Decision::deny;  // the strictest of the answers
  std::vector<RuleAnswer> answers;     // every rule, also those that allow, in the order they were asked
  // "denied by maintenance: until ...", "allowed by 14 rules"
  std::string summary() const;
};

enum class OutcomeResult : std::uint8_t {
  done,         // the effect happened
  failed,       // it was tried and failed
  refused,      // the guard said no
  unnecessary,  // the target had recovered, or was gone, before anything was done
  timed_out,    // stopped at its time limit; what it did is unknown
  interrupted,  // the actuator died while it ran; what it did is unknown
  expired,      // too old to be carried out
};
std::string_view to_string(OutcomeResult result);
std::optional<OutcomeResult> outcome_result_from(std::string_view text);

struct Outcome {
  std::string key;
  OutcomeResult result = OutcomeResult::failed;
  WallTime started_at, ended_at;
  std::string text;                // one sentence
  std::vector<Attribute> details;  // measured: bytes freed, new main pid
  Verdict verdict;                 // the actuator's own
};

// An order that was given, and what came of it.
struct OrderRow {
  Order order;
  std::optional<Outcome> outcome;  // absent: not known yet
};

// One parameter of a catalogue entry.
struct ParamText {
  std::string_view name;
  std::string_view fallback;  // "" : required
  std::string_view doc;
};

// Kinds of entities that an action treats, as a set.
using EntityKinds = std::uint32_t;
template <class... Kinds>
constexpr EntityKinds kinds(Kinds... kind) {
  return (0U | ... | (1U << static_cast<unsigned>(kind)));
}
constexpr bool has(EntityKinds set, EntityKind kind) { return (set >> static_cast<unsigned>(kind) & 1U) != 0; }
// "service, container"
std::string to_string(EntityKinds set);

// The planning side of a catalogue entry.
struct ActionInfo {
  std::string_view name, summary;
  EntityKinds targets;
  std::span<const ParamText> params;  // that a runbook may set
  bool reversible;
  bool local_safe;                // harms nobody if every host of a fleet does it at once
  std::string_view capabilities;  // that the effect needs, "CAP_DAC_OVERRIDE CAP_FOWNER"; "" for none
  Duration timeout;               // default
  std::string_view cost;          // what the target and those around it feel, one sentence
  std::string_view undo;          // one sentence; "" for none
  bool looks_only = false;        // changes nothing on its target: counts against the next look, not against a change
  // Pure. params: the runbook's settings. An error says why there is no plan ("no file explains the growth").
  Result<Plan> (*plan)(const Incident& incident, const HostView& host, std::span<const Attribute> params);
  // Pure check of a plan that came from outside: parameters well-formed and inside what this entry ever does.
  // The actuator calls it on every order.
  Status (*validate)(const Plan& plan);
};
std::span<const ActionInfo* const> all_actions();
const ActionInfo* find_action(std::string_view name);

}  // namespace hostmedic
