// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/actuator.h"

#include <unistd.h>

#include <algorithm>

#include "actions/catalog/effect_unit.h"
#include "agent/base/log.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr Duration kOrderLife = std::chrono::minutes(15);  // no order may be valid for longer
constexpr Duration kLeastHistory = std::chrono::hours(24);
constexpr std::size_t kMostRows = 20'000;
constexpr Duration kMostRowAge = std::chrono::hours(24 * 180);
// Begun orders per window of the host's limit, whatever came of them. What the guard does not count (the target had
// recovered) is bounded too, or it could push older rows out of the history that the guard looks at.
constexpr int kMostBegunFactor = 10;
// Beyond it the next start asks systemd what came of them.
constexpr std::size_t kMostUnrecorded = 64;

Duration longest_window(const guard::Policy& policy) {
  return std::max({policy.per_target.window, policy.per_runbook.window, policy.per_host.window,
                   policy.crash_loop_window, policy.cooldown_most, policy.disarm_window, kLeastHistory});
}

Status check_order(const Order& order, WallTime now) {
  const ActionInfo* info = find_action(order.plan.action);
  if (info == nullptr)
    return make_error(ErrorCode::unsupported, "no action '" + printable(order.plan.action, 64) + "'");
  if (Status valid = info->validate(order.plan); !valid) return std::move(valid.error()).in("plan");
  if (order.expires_at - now > kOrderLife)
    return make_error(ErrorCode::malformed, "the order is valid for more than " + format_duration(kOrderLife));
  return ok();
}

}  // namespace

Outcome not_carried_out(const Order& order, OutcomeResult result, std::string text, WallTime now) {
  Outcome outcome;
  outcome.key = order.key;
  outcome.result = result;
  outcome.started_at = outcome.ended_at = now;
  outcome.text = std::move(text);
  return outcome;
}

Actuator::Actuator(ActuatorParts parts) : parts_(std::move(parts)) {}

const EffectInfo* Actuator::effect_of(std::string_view action) const {
  for (const EffectInfo* effect : parts_.effects)
    if (effect->action == action) return effect;
  return nullptr;
}

void Actuator::recover() {
  std::vector<LedgerRow> rows;
  {
    const std::lock_guard lock(mutex_);
    if (!parts_.ledger) return;
    if (Status pruned = parts_.ledger->prune(parts_.wall(), kMostRows, kMostRowAge, {parts_.boot, parts_.uptime()});
        !pruned)
      log_warning("ledger: pruning: " + pruned.error().message());
    auto open = parts_.ledger->open_rows();
    if (!open) return log_error("ledger: " + open.error().message());
    rows = std::move(*open);
  }
  for (const LedgerRow& row : rows) {
    const std::string unit = unit_name_of(row.order.key);
    const auto ended = parts_.manager.adopt(unit, row.order.plan.timeout);
    if (parts_.stopping()) return;
    Outcome outcome;
    if (ended && *ended) {
      outcome = outcome_of(**ended);
    } else {
      outcome.result = OutcomeResult::interrupted;
      outcome.text = "the actuator ended while it ran; what it did is unknown";
      if (!ended) outcome.text += " (" + ended.error().message() + ")";
    }
    outcome.verdict = row.verdict;
    (void)finish(row.order, std::move(outcome), row.begun_at);
  }
  recover_measures();
}

Outcome Actuator::refused(const Order& order, std::string text) {
  log_notice("order " + order.key + " refused: " + text);
  return not_carried_out(order, OutcomeResult::refused, std::move(text), parts_.wall());
}

Outcome Actuator::carry_out(const Order& asked) {
  catch_up();  // a row without an end would hold this one
  Undo undo{asked, std::nullopt};
  {
    const std::lock_guard lock(mutex_);
    if (!parts_.ledger) return refused(asked, "the ledger cannot be used: " + parts_.ledger.error().message());
    const auto known = parts_.ledger->find(asked.key);
    if (!known) return refused(asked, "the ledger cannot be used: " + known.error().message());
    if (*known && (*known)->outcome) return *(*known)->outcome;
    if (*known) return refused(asked, "an order of this key was begun and has no end yet");
    if (!asked.undoes.empty()) {
      auto prepared = prepare_undo(asked);
      if (!prepared) return refused(asked, prepared.error().message());
      undo = std::move(*prepared);
    }
  }
  Outcome outcome = carry_out_now(undo.order, undo.first);
  if (undo.first && !parts_.stopping()) after_undo(*undo.first, outcome);
  return outcome;
}

Outcome Actuator::carry_out_now(Order order, const std::optional<LedgerRow>& first) {
  if (Status valid = check_order(order, parts_.wall()); !valid) return refused(order, valid.error().message());
  const EffectInfo* effect = effect_of(order.plan.action);
  if (effect == nullptr) return refused(order, "no effect for '" + order.plan.action + "'");
  if (order.expires_at <= parts_.wall())
    return not_carried_out(order, OutcomeResult::expired, "expired at " + format_utc(order.expires_at), parts_.wall());
  const auto policy = parts_.policy();
  if (!policy) return refused(order, "the policy cannot be used: " + policy.error().message());

  const EffectContext context{parts_.manager, *policy, parts_.effect_program, parts_.scratch, parts_.proc};
  // What is taken back is in force, whatever the target is like by now.
  const Seen seen = first ? Seen{guard::TargetState::faulty, "in force since " + format_utc(first->begun_at), 0}
                          : look_at(order, *effect, context);
  Judged judged = judge_and_begin(order, *policy, seen);
  if (!judged.begun) return judged.outcome;

  const WallTime started = parts_.wall();
  Outcome outcome = first ? effect->undo(order, *first->outcome, context) : effect->execute(order, context);
  outcome.verdict = std::move(judged.outcome.verdict);
  if (!parts_.stopping()) {
    outcome = finish(order, std::move(outcome), started);
    if (first || outcome.result != OutcomeResult::done) disarm_what_misfires(order, *policy);
    return outcome;
  }
  outcome = not_carried_out(order, OutcomeResult::interrupted, "the actuator is stopping; its next start knows more",
                            parts_.wall());
  return outcome;
}

// Rows without an end are rare here, where one order is carried out after the other; only then are relations asked for.
bool Actuator::others_open(const Order& order) {
  const std::lock_guard lock(mutex_);
  const auto rows = parts_.ledger->open_rows();
  return rows &&
         std::ranges::any_of(*rows, [&](const LedgerRow& row) { return row.order.plan.target != order.plan.target; });
}

Actuator::Seen Actuator::look_at(const Order& order, const EffectInfo& effect, const EffectContext& context) {
  Seen seen;
  seen.state = effect.inspect(order.plan, context, seen.text);
  if (!order.not_while.empty()) seen.busy = busy_now(parts_.busy, context.policy.busy_processes);
  if (others_open(order)) seen.related = related_of(parts_.manager, order.plan.target);
  if (order.plan.target.kind != EntityKind::service) return seen;
  // systemd counts over the unit's life; those before its last start are recent only if that start is.
  const auto unit = parts_.manager.status(order.plan.target.name);
  if (unit && unit->age < context.policy.crash_loop_window)
    seen.restarts = static_cast<int>(std::min<std::uint32_t>(unit->restarts, 1'000'000));
  return seen;
}

// Written down, so that it stays disarmed when its failures have left the window.
void Actuator::disarm_what_misfires(const Order& order, const guard::Policy& policy) {
  const std::lock_guard lock(mutex_);
  const auto now = circumstances(order, policy);
  auto disarmed = now ? guard::misfires(policy, order.runbook, *now) : std::nullopt;
  if (!disarmed) return;
  disarmed->at = now->now;
  if (Status written = parts_.ledger->disarm(*disarmed); !written)
    return log_error("ledger: runbook " + order.runbook + ": " + written.error().message());
  log_warning("runbook " + order.runbook + " is disarmed: " + disarmed->reason);
}

Result<guard::Circumstances> Actuator::circumstances(const Order& order, const guard::Policy& policy) {
  guard::Circumstances now;
  now.now = parts_.wall();
  now.uptime = parts_.uptime();
  now.boot = parts_.boot;
  now.lease = guard::Lease::agents_matter;
  auto brakes = parts_.ledger->brakes();
  if (!brakes) return brakes.error();
  now.halted = brakes->halted;
  now.halted_by = brakes->halted_by;
  now.maintenance = std::move(brakes->maintenance);
  auto disarmed = parts_.ledger->disarmed();
  if (!disarmed) return disarmed.error();
  now.disarmed = std::move(*disarmed);
  auto armed = parts_.ledger->armed();
  if (!armed) return armed.error();
  now.armed = std::move(*armed);
  const Duration window = std::max(longest_window(policy), order.cooldown);
  auto history = parts_.ledger->history(now.now - window, {now.boot, now.uptime - window});
  if (!history) return history.error();
  now.history = std::move(*history);
  const auto subject = approved_subject(order.key, order.plan);
  if (!subject) return subject.error();
  auto approval = parts_.ledger->approval(*subject, now.now);
  if (approval && !*approval && !order.undoes.empty())
    approval = parts_.ledger->approval(kUndoApproval + order.undoes, now.now);
  if (!approval) return approval.error();
  if (*approval) now.approved_by = (*approval)->by;
  return now;
}

// Under one lock, so that a brake set meanwhile either is seen here or finds the effect to be cancelled.
Actuator::Judged Actuator::judge_and_begin(Order& order, const guard::Policy& policy, const Seen& seen) {
  const std::lock_guard lock(mutex_);
  Judged judged;
  const auto refuse = [&](std::string text) {
    Verdict verdict = std::move(judged.outcome.verdict);
    judged.outcome = refused(order, std::move(text));
    judged.outcome.verdict = std::move(verdict);
    return judged;
  };
  auto now = circumstances(order, policy);
  if (!now) return refuse("the ledger cannot be used: " + now.error().message());
  order.approved_by = now->approved_by;  // never the asker's word for it
  now->target = seen.state;
  now->target_text = seen.text;
  now->busy = seen.busy;
  now->related = seen.related;
  int begun = 0, unit_restarts = seen.restarts;
  for (const guard::PastAction& past : now->history) {
    const Duration age = guard::age_of(past, *now);
    const bool recent = age < policy.crash_loop_window;
    if (recent && past.target == order.plan.target && past.action == "service.restart") ++unit_restarts;
    if (age < policy.per_host.window) ++begun;
  }
  now->restarts_seen = unit_restarts;
  judged.outcome.verdict = guard::judge(policy, order, *now);
  if (judged.outcome.verdict.decision != Decision::allow) {
    (void)refuse(judged.outcome.verdict.summary());
    const bool needless = seen.state == guard::TargetState::recovered || seen.state == guard::TargetState::gone;
    if (needless) judged.outcome.result = OutcomeResult::unnecessary;
    return judged;
  }
  if (begun >= policy.per_host.count * kMostBegunFactor) return refuse(strf("%d orders were begun recently", begun));

  std::uint64_t drained = 0;
  if (parts_.cancel_fd >= 0) (void)!::read(parts_.cancel_fd, &drained, sizeof drained);  // of an earlier order
  if (Status written = kept(parts_.ledger->begin(order, judged.outcome.verdict, now->now, {parts_.boot, now->uptime}));
      !written)
    return refuse("the ledger cannot be written: " + written.error().message());
  log_notice("order " + order.key + " begun: " + order.plan.what + " (" + judged.outcome.verdict.summary() + ")");
  judged.begun = true;
  return judged;
}

Outcome Actuator::finish(const Order& order, Outcome outcome, WallTime started) {
  outcome.key = order.key;
  outcome.started_at = started;
  outcome.ended_at = parts_.wall();
  Ended ended{order, std::move(outcome), std::nullopt};
  if (ends_by_itself(order, ended.outcome.result)) ended.ends_at = ended.outcome.ended_at + order.plan.lasts;
  if (Status written = record(ended); !written) {
    // The row stays open and the unit's name taken, so it is not carried out again.
    log_error("ledger: order " + order.key + ": " + written.error().message());
    outcome = ended.outcome;
    outcome.text += "; the ledger could not record it: " + written.error().message();
    const std::lock_guard lock(mutex_);
    if (unrecorded_.size() < kMostUnrecorded) unrecorded_.push_back(std::move(ended));
    return outcome;
  }
  return std::move(ended.outcome);
}

Status Actuator::record(const Ended& ended) {
  {
    const std::lock_guard lock(mutex_);
    Status written = kept(parts_.ledger->finish(ended.outcome, ended.ends_at));
    if (!written) return written;
  }
  const std::string& key = ended.order.key;
  parts_.manager.release(unit_name_of(key));
  if (ended.ends_at) schedule_release(key, ended.order.plan.lasts);
  log_notice("order " + key + " " + std::string(to_string(ended.outcome.result)) + ": " + ended.outcome.text);
  return ok();
}

// Under the lock, for what was written. A ledger on a disk that fails, or that cannot be written any more, is let go at
// the next catch_up(): who opens it again finds the disk as it is then, and nobody is kept from mending it. A full one
// stays.
Status Actuator::kept(Status written) {
  if (!written && (written.error().code == ErrorCode::io || written.error().code == ErrorCode::denied))
    spoilt_ = written.error();
  return written;
}

bool Actuator::without_ledger() {
  const std::lock_guard lock(mutex_);
  return !parts_.ledger;
}

void Actuator::catch_up() {
  if (std::exchange(catching_up_, true)) return;  // the recovery ends measures, by orders
  if (has_ledger()) record_waiting();
  catching_up_ = false;
}

// Lets go what was spoilt, and opens what is closed. What is known to have ended is recorded before systemd is asked.
bool Actuator::has_ledger() {
  if (!parts_.open_ledger) return !without_ledger();
  {
    const std::lock_guard lock(mutex_);
    if (spoilt_ && parts_.ledger) {
      log_error("the ledger cannot be used any more, so nothing is done: " + spoilt_->message());
      parts_.ledger = *spoilt_;
    }
    spoilt_.reset();
  }
  if (!without_ledger()) return true;
  auto ledger = parts_.open_ledger();
  {
    const std::lock_guard lock(mutex_);
    if (ledger)
      log_notice("the ledger can be used again" + (ledger->quarantined().empty() ? "" : ": " + ledger->quarantined()));
    parts_.ledger = std::move(ledger);
    if (!parts_.ledger) return false;
  }
  record_waiting();
  recover();
  return true;
}

void Actuator::record_waiting() {
  std::vector<Ended> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(unrecorded_);
  }
  for (Ended& ended : waiting) {
    const Status written = record(ended);
    // Gone, or recorded by somebody else: there is nothing to add.
    if (written || written.error().code == ErrorCode::not_found || written.error().code == ErrorCode::conflict)
      continue;
    const std::lock_guard lock(mutex_);
    unrecorded_.push_back(std::move(ended));
  }
}

}  // namespace hostmedic
