// SPDX-License-Identifier: Apache-2.0
// The rules over what was done before: pauses, counts per window, one at a time, and runbooks that misfire; and how far
// one action may reach.
#include "actions/guard/question.h"
#include "agent/base/text.h"

namespace hostmedic::guard {
namespace {

Answer limited(int seen, const Limit& limit, const std::string& what) {
  const std::string reason =
      strf("%d of %d actions %s in %s", seen, limit.count, what.c_str(), format_duration(limit.window).c_str());
  return seen < limit.count ? allow(reason) : deny(reason);
}

// The pause after the last of those that match; it doubles with each of them in the window, up to `most`.
template <class Match>
Answer pause(const Question& q, Duration first, Duration most, Match match, const std::string& what) {
  const Duration window = std::max(q.policy.per_target.window, first);
  const int seen = count_within(q, window, match);
  if (seen == 0) return allow("no " + what + " in " + format_duration(window));
  Duration wait = first;
  for (int i = 1; i < seen && wait < most; ++i) wait += wait;
  wait = std::min(wait, std::max(first, most));
  const Duration since = last_age(q, match).value_or(Duration::max());
  const std::string reason = "last " + what + " " + format_duration(since) + " ago, waits " + format_duration(wait) +
                             strf(" after %d in %s", seen, format_duration(window).c_str());
  return since >= wait ? allow(reason) : hold(reason);
}

bool looks_only(std::string_view action) {
  const ActionInfo* const info = find_action(action);
  return info && info->looks_only;
}

// What was done before to the target of the order, of its sort: a look is no reason to wait with a change.
bool on_its_target(const PastAction& past, const Order& order) {
  return past.target == order.plan.target && looks_only(past.action) == looks_only(order.plan.action);
}

WallTime last_armed(std::string_view runbook, const Circumstances& now) {
  WallTime last = WallTime::min();
  for (const Armed& one : now.armed)
    if (one.runbook == runbook) last = std::max(last, one.at);
  return last;
}

}  // namespace

bool counts(const PastAction& past) {
  if (!past.undoes.empty()) return false;
  if (!past.finished) return true;
  switch (past.result) {
    case OutcomeResult::refused:
    case OutcomeResult::unnecessary:
    case OutcomeResult::expired: return false;
    case OutcomeResult::done:
    case OutcomeResult::failed:
    case OutcomeResult::timed_out:
    case OutcomeResult::interrupted: return true;
  }
  return true;  // uncovered: every enumerator has returned above
}

Duration age_of(const PastAction& past, const Circumstances& now) {
  const bool this_boot = !past.boot.empty() && past.boot == now.boot;
  return std::max(Duration{}, this_boot ? now.uptime - past.uptime : Duration(now.now - past.at));
}

Answer ask_cooldown(const Question& q) {
  const auto on_target = [&](const PastAction& past) { return on_its_target(past, q.order); };
  const auto repeated = [&](const PastAction& past) {
    return on_target(past) && past.runbook == q.order.runbook && past.action == q.order.plan.action;
  };
  Answer general = pause(q, q.policy.cooldown, q.policy.cooldown_most, on_target, "action on it");
  if (general.decision != Decision::allow || q.order.cooldown <= Duration{}) return general;
  Answer own = pause(q, q.order.cooldown, q.policy.cooldown_most, repeated, "such action of this runbook on it");
  return own.decision != Decision::allow ? own : general;
}

Answer ask_limit_target(const Question& q) {
  const int seen =
      count_within(q, q.policy.per_target.window, [&](const PastAction& past) { return on_its_target(past, q.order); });
  return limited(seen, q.policy.per_target, "on " + to_string(q.order.plan.target));
}

Answer ask_limit_runbook(const Question& q) {
  const int seen = count_within(q, q.policy.per_runbook.window,
                                [&](const PastAction& past) { return past.runbook == q.order.runbook; });
  return limited(seen, q.policy.per_runbook, "by runbook " + q.order.runbook);
}

Answer ask_limit_host(const Question& q) {
  const int seen = count_within(q, q.policy.per_host.window, [](const PastAction&) { return true; });
  return limited(seen, q.policy.per_host, "on this host");
}

Answer ask_in_flight(const Question& q) {
  constexpr int kMostUndoTries = 3;
  const Entity& target = q.order.plan.target;
  const bool undo = !q.order.undoes.empty();
  int tries = 0;
  for (const PastAction& past : q.now.history) {
    if (past.key == q.order.key) return deny("order " + past.key + " was already taken up");
    if (undo && past.undoes == q.order.undoes && (!past.finished || past.result != OutcomeResult::refused)) {
      if (past.finished && past.result == OutcomeResult::done)
        return deny("order " + q.order.undoes + " was already taken back by " + past.key);
      if (++tries >= kMostUndoTries) return deny(strf("%d undos of order %s failed", tries, past.undoes.c_str()));
    }
    // To take back an order whose end never came is no second one.
    if (past.finished || (undo && past.key == q.order.undoes)) continue;
    if (past.target == target) return hold("order " + past.key + " on " + to_string(past.target) + " has not ended");
    if (!undo && std::ranges::find(q.now.related, past.target) != q.now.related.end())
      return hold("order " + past.key + " on " + to_string(past.target) +
                  ", on which it depends or which depends on it, " + "has not ended");
  }
  return allow("nothing under way on it or around it");
}

std::optional<Disarmed> misfires(const Policy& policy, std::string_view runbook, const Circumstances& now) {
  const WallTime armed_at = last_armed(runbook, now);
  std::vector<const PastAction*> undos;
  for (const PastAction& past : now.history)
    if (!past.undoes.empty() && !(past.finished && past.result == OutcomeResult::unnecessary)) undos.push_back(&past);
  const auto taken_back = [&](const PastAction& past) {
    return std::ranges::any_of(undos, [&](const PastAction* undo) {
      return undo->undoes == past.key && !(past.ends_at && undo->at >= *past.ends_at);
    });
  };
  int all = 0, failed = 0;
  WallTime last;
  for (const PastAction& past : now.history) {
    if (past.runbook != runbook || past.key.empty() || !past.finished || !counts(past)) continue;
    if (past.at <= armed_at || age_of(past, now) >= policy.disarm_window) continue;
    ++all;
    if (past.result != OutcomeResult::failed && past.result != OutcomeResult::timed_out && !taken_back(past)) continue;
    ++failed;
    last = past.at;
  }
  if (failed < policy.disarm_failures || failed < policy.disarm_share * all) return std::nullopt;
  return Disarmed{std::string(runbook), "the guard",
                  strf("%d of its %d actions in %s failed or were undone", failed, all,
                       format_duration(policy.disarm_window).c_str()),
                  last};
}

// A human may still approve one action of it; that does not arm it again.
Answer ask_disarmed(const Question& q) {
  const WallTime armed_at = last_armed(q.order.runbook, q.now);
  std::optional<Disarmed> why = misfires(q.policy, q.order.runbook, q.now);
  for (const Disarmed& one : q.now.disarmed)
    if (one.runbook == q.order.runbook && one.at >= armed_at) why = one;
  if (!why) return allow("it may be trusted");
  const std::string text = q.order.runbook + " was disarmed by " + why->by + ": " + why->reason;
  if (!q.now.approved_by.empty()) return allow(text + "; this one is approved by " + q.now.approved_by);
  return hold(text + "; until a human arms it again");
}

Answer ask_blast_radius(const Question& q) {
  const int touched = q.order.plan.touched;
  const int most =
      q.order.touched_most > 0 ? std::min(q.order.touched_most, q.policy.touched_most) : q.policy.touched_most;
  if (touched < 1) return deny(strf("claims to touch %d entities", touched));
  if (touched > most) return deny(strf("touches %d, at most %d", touched, most));
  if (touched == 1) return allow("touches 1 entity");
  const double share = q.policy.touched_share_most * q.now.entities_of_kind;
  const std::string reason =
      strf("touches %d of %d, at most %.0f%%", touched, q.now.entities_of_kind, q.policy.touched_share_most * 100);
  return touched <= share ? allow(reason) : deny(reason);
}

Answer ask_lease(const Question& q) {
  if (!q.policy.need_lease) return allow("the policy asks for none");
  const ActionInfo* action = find_action(q.order.plan.action);
  if (action != nullptr && action->local_safe) return allow("harms nobody if every host does it at once");
  const std::string words = q.now.lease_text.empty() ? "" : ": " + q.now.lease_text;
  switch (q.now.lease) {
    case Lease::unasked: break;
    case Lease::refused: return hold("the aggregator has not granted it" + words);
    case Lease::granted: return allow("granted by the aggregator" + words);
    case Lease::agents_matter: return allow("the agent has it, or it would not ask");
  }
  return hold("the aggregator was not asked yet");
}

}  // namespace hostmedic::guard
