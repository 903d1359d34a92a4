// SPDX-License-Identifier: Apache-2.0
// What is said on the actuator's socket: one JSON object per SOCK_SEQPACKET message each way, at most kMostMessage
// bytes. The grammar is closed: a request with an unknown, missing or repeated field is refused. Pure; any thread.
//
//   request                                      who may              answer
//   {"request": "execute", "order": order}       agent, root          the outcome, when it has ended
//   {"request": "query", "key": text}            anyone known         outcome, or "known": false; waits for one that
//   runs
//   {"request": "status"}                        anyone known         "status"
//   {"request": "halt", "by", "reason"}          agent, root
//   {"request": "resume"}                        root
//   {"request": "maintenance", "until_unix_nano", "by", "reason", "entity"}   agent, root
//   {"request": "maintenance_off", "entity"}     root                 an empty pattern ends all
//   {"request": "approve", "key", "plan"}        root, approvers      for 15 minutes, this plan under this key
//   {"request": "reject", "key", "plan"}         root, approvers      takes an approval back
//   {"request": "word", "word": word}            agent, root          as the two before, signed by somebody
//                                                                      far away: "by"
//   {"request": "undone", "target", "action", "by"}   agent, root     a human undid it: not again until enabled again
//   {"request": "reenable", "target", "action"}  root
//   {"request": "undo", "key", "by", "reason"}   root, approvers      takes the order back: the outcome; not again then
//   {"request": "release", "key"}                root                 the order has lasted its time: the outcome
//   {"request": "disarm", "runbook", "by", "reason"}   agent, root    nothing by this runbook until it is armed again
//   {"request": "rearm", "runbook"}              root
//   {"request": "audit"}                         anyone known         "audit": the ledger's hash chain
//
//   answer  {"ok": true, "known": bool, "outcome"?: outcome, "status"?: status, "audit"?: audit, "by"?: text} or
//   {"ok": false, "code", "error"}
//
// order and outcome are those of agent/record/record.h, word that of signed_word.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "actions/guard/guard.h"
#include "agent/base/result.h"
#include "agent/record/signed_word.h"
#include "agent/store/ledger.h"

namespace hostmedic {

inline constexpr std::size_t kMostMessage = 64 << 10;
// Text of an outcome: refused now, may be asked again.
inline constexpr std::string_view kBusy = "busy with another order";
inline constexpr std::string_view kActuatorSocket = "/run/hostmedic-actuator/actuator.sock";

enum class RequestKind : std::uint8_t {
  execute,
  query,
  status,
  halt,
  resume,
  maintenance,
  maintenance_off,
  approve,
  reject,
  word,
  undone,
  reenable,
  undo,
  release,
  disarm,
  rearm,
  audit,
};
std::string_view to_string(RequestKind kind);

struct ActuatorRequest {
  RequestKind kind{};
  Order order;             // execute
  std::string key;         // query, approve, reject, undo, release: 24 lower-case hex digits
  Plan plan;               // approve, reject: what the human saw
  SignedWord word;         // word
  std::string by, reason;  // halt, maintenance, undone, undo, disarm: as the sender puts it
  WallTime until;          // maintenance
  std::string entity;      // maintenance: glob
  Entity target;           // undone, reenable
  std::string action;      // undone, reenable
  std::string runbook;     // disarm, rearm
};

// What was done for a time.
struct Measure {
  std::string key, action, what;
  Entity target;
  WallTime since, ends_at;
};

struct ActuatorStatus {
  LedgerBrakes brakes;
  std::vector<guard::Disarmed> disarmed;  // at most kMostRecent
  std::vector<Measure> measures;          // in force; those that end first, at most kMostRecent
  std::vector<guard::PastAction> recent;  // newest last, at most kMostRecent
  std::string running;                    // key of the order under way; empty: none
  std::string policy;                     // one line: tier and limits in force, or why there are none
  std::string ledger;                     // why it is not usable, or that it was quarantined; empty: all is well
};
inline constexpr std::size_t kMostRecent = 32;

struct ActuatorAnswer {
  bool ok = false;
  ErrorCode code = ErrorCode::conflict;  // when not ok
  std::string error;
  bool known = false;  // query: the ledger has the key
  std::optional<Outcome> outcome;
  std::optional<ActuatorStatus> status;
  std::optional<LedgerAudit> audit;
  std::string by;  // word: whose it is
};

bool is_order_key(std::string_view text);

std::string encode(const ActuatorRequest& request);
std::string encode(const ActuatorAnswer& answer);
Result<ActuatorRequest> decode_request(std::string_view text);
Result<ActuatorAnswer> decode_answer(std::string_view text);

ActuatorAnswer refusal(const Error& error);

}  // namespace hostmedic
