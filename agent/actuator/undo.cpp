// SPDX-License-Identifier: Apache-2.0
// Taking back what was done: on request, by an order of the agent's, and when a measure has lasted its time.
#include <algorithm>

#include "actions/catalog/effect_unit.h"
#include "agent/actuator/actuator.h"
#include "agent/base/log.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr Duration kUndoLife = std::chrono::minutes(1);      // of an order made here
constexpr Duration kRetry = std::chrono::minutes(5);         // after a release that did not succeed
constexpr Duration kReleaseTime = std::chrono::minutes(10);  // for the unit that asks for it, which may find us busy
constexpr Duration kApprovalLife = std::chrono::minutes(2);
constexpr std::uint64_t kMostNames = 64;
constexpr std::size_t kMostUndos = 3;  // begun for one order; the guard allows no more

std::string release_unit(const std::string& key) { return "hostmedic-release-" + key + ".service"; }

// What was refused, needless or too late left nothing to take back.
bool may_have_acted(OutcomeResult result) {
  return result == OutcomeResult::done || result == OutcomeResult::failed || result == OutcomeResult::timed_out ||
         result == OutcomeResult::interrupted;
}

bool took_back(OutcomeResult result) { return result == OutcomeResult::done || result == OutcomeResult::unnecessary; }

// Both changed the same thing of the target, and `upper` found it as `lower` had left it: taken back in another order
// they would leave what neither found.
bool lies_on(const LedgerRow& upper, const LedgerRow& lower) {
  return std::ranges::any_of(lower.outcome->details, [&](const Attribute& one) {
    return one.key.starts_with("was_") &&
           std::ranges::any_of(upper.outcome->details, [&](const Attribute& other) { return other.key == one.key; });
  });
}

// Nothing of the asker's but name, reason and time.
Order undo_of(const LedgerRow& first, const Order& asked) {
  Order order = first.order;
  order.key = asked.key;
  order.undoes = first.order.key;
  order.issued_at = asked.issued_at;
  order.expires_at = asked.expires_at;
  order.approved_by = asked.approved_by;
  order.plan.what = "take back: " + first.order.plan.what;
  order.plan.command.clear();
  order.plan.undo.clear();
  order.plan.lasts = {};
  return order;
}

}  // namespace

bool Actuator::ends_by_itself(const Order& order, OutcomeResult result) const {
  const EffectInfo* effect = effect_of(order.plan.action);
  return order.undoes.empty() && order.plan.lasts > Duration{} && effect != nullptr && effect->undo != nullptr &&
         may_have_acted(result) && result != OutcomeResult::failed;
}

// Until a measure of this boot is to end, whatever was done to the wall clock; zero or less: it is over.
Duration Actuator::left_of(const LedgerRow& row) const {
  const Duration now = parts_.uptime();
  return now < row.uptime ? Duration{} : row.uptime + row.order.plan.lasts - now;
}

Result<LedgerRow> Actuator::to_take_back(const std::string& key) {
  if (!parts_.ledger) return parts_.ledger.error();
  auto row = parts_.ledger->find(key);
  if (!row) return row.error();
  const std::string named = "order " + printable(key, 64);
  if (!*row) return make_error(ErrorCode::not_found, "the ledger has no " + named);
  if (!(*row)->order.undoes.empty()) return make_error(ErrorCode::unsupported, named + " took something back itself");
  if (!(*row)->outcome) return make_error(ErrorCode::conflict, named + " has not ended");
  if (!may_have_acted((*row)->outcome->result))
    return make_error(ErrorCode::conflict,
                      named + " changed nothing: " + std::string(to_string((*row)->outcome->result)));
  const EffectInfo* effect = effect_of((*row)->order.plan.action);
  if (effect == nullptr || effect->undo == nullptr)
    return make_error(ErrorCode::unsupported, (*row)->order.plan.action + " cannot be taken back");
  const auto undos = parts_.ledger->undos_of(key);
  if (!undos) return undos.error();
  for (const guard::PastAction& undo : *undos) {
    if (!undo.finished) return make_error(ErrorCode::conflict, named + " is being taken back by order " + undo.key);
    if (took_back(undo.result))
      return make_error(ErrorCode::conflict,
                        named + " was taken back by order " + undo.key + " at " + format_utc(undo.at));
  }
  const auto later = parts_.ledger->later_in_force(**row);
  if (!later) return later.error();
  for (const LedgerRow& upper : *later)
    if (lies_on(upper, **row))
      return make_error(ErrorCode::conflict, named + " lies under order " + upper.order.key + ", which comes first");
  return std::move(**row);
}

Result<Actuator::Undo> Actuator::prepare_undo(const Order& asked) {
  auto first = to_take_back(asked.undoes);
  if (!first) return first.error();
  if (asked.plan.action != first->order.plan.action || asked.plan.target != first->order.plan.target)
    return make_error(ErrorCode::conflict, "order " + asked.undoes + " was " + first->order.plan.action + " on " +
                                               to_string(first->order.plan.target));
  Undo undo{undo_of(*first, asked), std::move(*first)};
  return undo;
}

Result<Order> Actuator::new_undo(const LedgerRow& first) {
  Order asked;
  asked.undoes = first.order.key;
  asked.issued_at = parts_.wall();
  asked.expires_at = asked.issued_at + kUndoLife;
  // A name that nobody used, whatever names the agent has made up.
  for (std::uint64_t n = 0; asked.key.empty() && n < kMostNames; ++n) {
    const std::uint64_t high = fnv1a(first.order.key, fnv1a("undo", n + 1));
    const std::string key = hex64(high) + hex64(fnv1a(first.order.key, high)).substr(0, 8);
    const auto known = parts_.ledger->find(key);
    if (!known) return known.error();
    if (!*known) asked.key = key;
  }
  if (asked.key.empty()) return make_error(ErrorCode::limit, "no name is left to take back order " + first.order.key);
  return undo_of(first, asked);
}

Result<Order> Actuator::undo_order(const ActuatorRequest& request, const ActuatorPeer& peer) {
  if (Status may = allowed(request.kind, peer.role); !may) return may.error();
  const std::lock_guard lock(mutex_);
  if (!parts_.ledger) return parts_.ledger.error();
  const auto first = to_take_back(request.key);
  if (!first) return first.error();
  if (request.kind == RequestKind::release && !first->ends_at)
    return make_error(ErrorCode::conflict, "order " + request.key + " has no end of its own");
  auto order = new_undo(*first);
  if (!order || request.kind == RequestKind::release) return order;
  order->approved_by = said_by(request, peer);
  if (!request.reason.empty()) order->plan.what += " (" + printable(request.reason, 200) + ")";
  const WallTime now = parts_.wall();
  Status marked = parts_.ledger->mark_undone({order->plan.target, order->plan.action, order->approved_by, now});
  // Bound to what is taken back, not to the order's name, which the agent could give to something else.
  if (marked)
    marked = parts_.ledger->approve({kUndoApproval + request.key, order->approved_by, now, now + kApprovalLife});
  if (!marked) return marked.error();
  return order;
}

void Actuator::schedule_release(const std::string& key, Duration after) {
  TransientUnit unit;
  unit.name = release_unit(key);
  unit.description = "Hostmedic: the end of order " + key;
  unit.argv = parts_.release_command;
  unit.argv.push_back(key);
  unit.timeout = kReleaseTime;
  after = std::max(after, Duration{});
  const Status scheduled = parts_.manager.schedule(unit, after);
  const std::lock_guard lock(mutex_);
  waiting_.erase(key);
  if (scheduled) return;
  log_warning("order " + key + ": its end waits here, because it cannot be scheduled: " + scheduled.error().message());
  waiting_[key] = parts_.uptime() + after;
}

void Actuator::after_undo(const LedgerRow& first, const Outcome& outcome) {
  const std::string& key = first.order.key;
  if (took_back(outcome.result)) {
    if (first.ends_at) parts_.manager.unschedule(release_unit(key));
    return schedule_overdue(key);
  }
  if (!first.ends_at || left_of(first) > Duration{}) return;  // its own time comes yet
  std::size_t begun = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto undos = parts_.ledger->undos_of(key);
    begun = undos ? undos->size() : 0;
  }
  if (begun >= kMostUndos) return log_error("order " + key + " is still in force and is not tried to be ended again");
  schedule_release(key, kRetry);
}

// What lay under that order, or could not be taken back for another reason, and is over.
void Actuator::schedule_overdue(const std::string& but) {
  constexpr Duration kSoon = std::chrono::seconds(1);
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    waiting_.erase(but);
    const auto measures = parts_.ledger->measures();
    if (!measures) return log_error("ledger: " + measures.error().message());
    for (const LedgerRow& row : *measures)
      if (left_of(row) <= Duration{} && row.order.key != but) keys.push_back(row.order.key);
  }
  for (const std::string& key : keys) schedule_release(key, kSoon);
}

bool Actuator::waits() {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty() || !unrecorded_.empty();
}

std::optional<Order> Actuator::due_release() {
  const std::lock_guard lock(mutex_);
  const Duration now = parts_.uptime();
  for (auto& [key, due] : waiting_) {
    if (due > now) continue;
    due = now + kRetry;  // until after_undo() knows better
    const auto first = to_take_back(key);
    auto order = first ? new_undo(*first) : first.error();
    if (order) return std::move(*order);
    log_warning("order " + key + " cannot be ended: " + order.error().message());
  }
  return std::nullopt;
}

// A measure that ends by itself lives in systemd, in the kernel or in a runtime's memory: a boot ends it.
void Actuator::record_gone(const LedgerRow& row) {
  const std::lock_guard lock(mutex_);
  if (!parts_.ledger) return;
  const auto order = new_undo(row);
  Status written = order ? ok() : Status(order.error());
  if (written)
    written = parts_.ledger->begin(*order, {Decision::allow, {}}, parts_.wall(), {parts_.boot, parts_.uptime()});
  if (written)
    written = parts_.ledger->finish(not_carried_out(*order, OutcomeResult::unnecessary,
                                                    "the host was booted since, which ended it", parts_.wall()));
  if (!written) log_error("ledger: the end of order " + row.order.key + ": " + written.error().message());
}

void Actuator::recover_measures() {
  std::vector<LedgerRow> rows;
  {
    const std::lock_guard lock(mutex_);
    auto measures = parts_.ledger->measures();
    if (!measures) return log_error("ledger: " + measures.error().message());
    rows = std::move(*measures);
  }
  for (const LedgerRow& row : rows) {
    if (parts_.stopping()) return;
    if (row.boot != parts_.boot) {
      record_gone(row);
    } else if (const Duration left = left_of(row); left > Duration{}) {
      schedule_release(row.order.key, left);
    } else {
      Result<Order> order = make_error(ErrorCode::conflict, "");
      {
        const std::lock_guard lock(mutex_);
        const auto first = to_take_back(row.order.key);
        order = first ? new_undo(*first) : first.error();
      }
      if (order) (void)carry_out(*order);
      if (!order) log_warning("order " + row.order.key + " cannot be ended: " + order.error().message());
    }
  }
}

}  // namespace hostmedic
