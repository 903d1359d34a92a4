// SPDX-License-Identifier: Apache-2.0
// What the actuator answers without acting: what it knows, and the words of people.
#include <unistd.h>

#include <algorithm>

#include "agent/actuator/actuator.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/net/digest.h"
#include "agent/record/record.h"

namespace hostmedic {

namespace {

constexpr Duration kApprovalLife = std::chrono::minutes(15);
constexpr Duration kMostMaintenance = std::chrono::hours(24 * 31);
constexpr Duration kShownHistory = std::chrono::hours(24);
constexpr Duration kAuditPause = std::chrono::seconds(10);
constexpr int kMostWords = 200;  // of the agent in an hour

}  // namespace

std::string said_by(const ActuatorRequest& request, const ActuatorPeer& peer) {
  const bool told = !request.by.empty() && peer.role == Role::agent;
  return told ? request.by + ", told by " + peer.text : peer.text;
}

void Actuator::cancel() const {
  const std::uint64_t one = 1;
  // A full counter means that it is set already.
  if (parts_.cancel_fd >= 0) (void)!::write(parts_.cancel_fd, &one, sizeof one);
}

Status Actuator::allowed(RequestKind kind, Role role) {
  bool may = false;
  switch (kind) {
    case RequestKind::query:
    case RequestKind::audit:
    case RequestKind::status: may = role != Role::stranger; break;
    case RequestKind::execute:
    case RequestKind::halt:
    case RequestKind::maintenance:
    case RequestKind::disarm:
    case RequestKind::word:
    case RequestKind::undone: may = role == Role::agent || role == Role::root; break;
    case RequestKind::undo:
    case RequestKind::approve:
    case RequestKind::reject: may = role == Role::approver || role == Role::root; break;
    case RequestKind::release:
    case RequestKind::rearm:
    case RequestKind::resume:
    case RequestKind::maintenance_off:
    case RequestKind::reenable: may = role == Role::root; break;
  }
  return may ? ok() : Status(make_error(ErrorCode::denied, "not for this user: " + std::string(to_string(kind))));
}

Result<std::string> approved_subject(const std::string& key, const Plan& plan) {
  auto digest = sha256_hex(to_json(plan));
  if (!digest) return digest;
  return key + ":" + *digest;
}

Status Actuator::approval(const ActuatorRequest& request, const std::string& by) {
  const WallTime now = parts_.wall();
  const bool given = request.kind == RequestKind::approve;
  auto subject = approved_subject(request.key, request.plan);
  if (!subject) return std::move(subject).error();
  return parts_.ledger->approve({*std::move(subject), by, now, given ? now + kApprovalLife : now});
}

Status Actuator::approval(const SignedWord& word, const std::string& by) {
  const WallTime now = parts_.wall();
  const WallTime until = word.approves ? std::min(word.until, now + kApprovalLife) : now;
  return parts_.ledger->approve({word.key + ":" + word.plan, by, now, until});
}

Status Actuator::brake(const ActuatorRequest& request, const ActuatorPeer& peer) {
  Ledger& ledger = *parts_.ledger;
  const WallTime now = parts_.wall();
  const auto brakes = ledger.brakes();
  if (!brakes) return brakes.error();
  if (request.kind == RequestKind::halt) {
    // Who stopped it first stands: the agent may not put another name over a human's.
    const Status set = brakes->halted ? ok() : ledger.halt(said_by(request, peer), request.reason, now);
    cancel();  // also when it could not be written: to stop is the safe side
    return set;
  }
  if (request.until <= now || request.until - now > kMostMaintenance)
    return make_error(ErrorCode::malformed, "maintenance ends in the past or in more than 31 days");
  for (const guard::Maintenance& present : brakes->maintenance)
    if (peer.role != Role::root && present.entity == request.entity && present.until >= request.until) return ok();
  return ledger.add_maintenance({request.until, said_by(request, peer), request.reason, request.entity}, now);
}

Result<ActuatorStatus> Actuator::status(const std::string& running) {
  ActuatorStatus status;
  status.running = running;
  const auto policy = parts_.policy();
  status.policy = policy ? strf("tier %s, at most %d actions per target, %d per host in %s",
                                std::string(to_string(policy->tier)).c_str(), policy->per_target.count,
                                policy->per_host.count, format_duration(policy->per_host.window).c_str())
                         : policy.error().message();
  if (!parts_.ledger) {
    status.ledger = parts_.ledger.error().message();
    return status;
  }
  if (!parts_.ledger->quarantined().empty()) status.ledger = "quarantined: " + parts_.ledger->quarantined();
  auto brakes = parts_.ledger->brakes();
  if (!brakes) return brakes.error();
  status.brakes = std::move(*brakes);
  auto recent = parts_.ledger->history(parts_.wall() - kShownHistory);
  if (!recent) return recent.error();
  auto disarmed = parts_.ledger->disarmed();
  if (!disarmed) return disarmed.error();
  status.disarmed = std::move(*disarmed);
  status.disarmed.resize(std::min(status.disarmed.size(), kMostRecent));
  const auto measures = parts_.ledger->measures();
  if (!measures) return measures.error();
  for (const LedgerRow& row : *measures)
    if (status.measures.size() < kMostRecent)
      status.measures.push_back({row.order.key, row.order.plan.action, row.order.plan.what, row.order.plan.target,
                                 row.begun_at, *row.ends_at});
  const std::size_t skip = recent->size() > kMostRecent ? recent->size() - kMostRecent : 0;
  status.recent.assign(recent->begin() + static_cast<std::ptrdiff_t>(skip), recent->end());
  return status;
}

Status Actuator::word_of(const ActuatorRequest& request, const ActuatorPeer& peer, std::string& ret_by) {
  Ledger& ledger = *parts_.ledger;
  const WallTime now = parts_.wall();
  const std::string by = said_by(request, peer);
  // What the agent says grows the ledger; the kill switch does not, and is never refused.
  if (peer.role == Role::agent && request.kind != RequestKind::halt) {
    const auto words = ledger.words_since(now - std::chrono::hours(1));
    if (!words) return words.error();
    if (*words >= kMostWords) return make_error(ErrorCode::limit, strf("%d words of the agent in an hour", kMostWords));
  }
  switch (request.kind) {
    case RequestKind::halt:
    case RequestKind::maintenance: return brake(request, peer);
    case RequestKind::resume: return ledger.resume(by, now);
    case RequestKind::maintenance_off: return ledger.end_maintenance(request.entity, by, now);
    case RequestKind::approve:
    case RequestKind::reject: return approval(request, by);
    case RequestKind::word: {
      auto who = vouched(request.word);
      if (!who) return std::move(who).error();
      ret_by = *std::move(who);
      return approval(request.word, ret_by);
    }
    case RequestKind::undone: return ledger.mark_undone({request.target, request.action, by, now});
    case RequestKind::reenable: return ledger.clear_undone(request.target, request.action, by, now);
    case RequestKind::disarm: return ledger.disarm({request.runbook, by, request.reason, now});
    case RequestKind::rearm: return ledger.rearm(request.runbook, by, now);
    // uncovered: the server and answer() keep these from coming here
    case RequestKind::execute:
    case RequestKind::undo:
    case RequestKind::release:
    case RequestKind::query:
    case RequestKind::audit:
    case RequestKind::status: break;  // uncovered: as above
  }
  return make_error(ErrorCode::unsupported, "is not answered here");  // uncovered: as above
}

// A walk along the whole chain takes a while, in which no brake is heard: who is not root gets the last one again.
Result<LedgerAudit> Actuator::audit(const ActuatorPeer& peer) {
  const Duration now = parts_.uptime();
  if (audit_ && peer.role != Role::root && now - audited_at_ < kAuditPause) return *audit_;
  auto audit = parts_.ledger->audit();
  if (!audit) return audit.error();
  audit_ = *audit;
  audited_at_ = now;
  return audit;
}

ActuatorAnswer Actuator::answer(const ActuatorRequest& request, const ActuatorPeer& peer, const std::string& running) {
  if (Status may = allowed(request.kind, peer.role); !may) return refusal(may.error());
  const std::lock_guard lock(mutex_);
  ActuatorAnswer answer;
  answer.ok = true;
  if (request.kind == RequestKind::status) {
    auto now = status(running);
    if (!now) return refusal(now.error());
    answer.status = std::move(*now);
    return answer;
  }
  if (!parts_.ledger) return refusal(parts_.ledger.error());
  if (request.kind == RequestKind::audit) {
    auto found = audit(peer);
    if (!found) return refusal(found.error());
    answer.audit = std::move(*found);
    return answer;
  }
  if (request.kind == RequestKind::query) {
    auto row = parts_.ledger->find(request.key);
    if (!row) return refusal(row.error());
    answer.known = row->has_value();
    if (answer.known) answer.outcome = std::move((*row)->outcome);
    return answer;
  }
  if (Status done = kept(word_of(request, peer, answer.by)); !done) return refusal(done.error());
  log_notice(std::string(to_string(request.kind)) + " by " + (answer.by.empty() ? peer.text : answer.by));
  return answer;
}

}  // namespace hostmedic
