// SPDX-License-Identifier: Apache-2.0
// The rules about what is seen now: signals, the target, what is at work on the host, and the order's own time.
#include "actions/guard/busy.h"
#include "actions/guard/question.h"
#include "agent/base/text.h"

namespace hostmedic::guard {

Answer ask_two_signals(const Question& q) {
  if (q.order.proof) return allow("one signal is proof by itself");
  const std::string reason = strf("%d independent signals, needs 2", q.order.signals);
  return q.order.signals >= 2 ? allow(reason) : hold(reason);
}

Answer ask_target_state(const Question& q) {
  const std::string seen = q.now.target_text.empty() ? std::string(to_string(q.now.target)) : q.now.target_text;
  switch (q.now.target) {
    case TargetState::faulty: return allow(seen);
    case TargetState::recovered: return deny("nothing to do: " + seen);
    case TargetState::gone: return deny("nothing to do, the target is gone: " + seen);
    case TargetState::changing: return hold("something is already at work on it: " + seen);
    case TargetState::unknown: return hold("could not be asked: " + seen);
  }
  return hold("state not known");  // uncovered: every enumerator has returned above
}

Answer ask_self_inflicted(const Question& q) {
  if (q.now.self_inflicted.empty()) return allow("no action of ours explains it");
  return deny("our own doing: " + q.now.self_inflicted);
}

Answer ask_storm(const Question& q) {
  if (!q.now.storm) return allow("no storm");
  for (const std::string& pattern : q.policy.storm_runbooks)
    if (glob_match(pattern, q.order.runbook)) return allow("a storm, in which " + q.order.runbook + " may go on");
  if (!q.now.approved_by.empty()) return allow("a storm; approved by " + q.now.approved_by);
  return deny("so much departs at once that a part of it is not acted on");
}

// Whoever changes a thing watches it, or should: a repair may be in their way, or the wrong one.
Answer ask_post_change(const Question& q) {
  if (q.now.recent_change.empty()) return allow("not changed of late");
  const std::string text = q.now.recent_change + ", " + std::string(to_string(q.policy.post_change));
  if (q.policy.post_change == Tier::automatic) return allow(text);
  if (!q.now.approved_by.empty()) return allow(text + "; approved by " + q.now.approved_by);
  if (q.policy.post_change == Tier::observe) return deny(text + ": nothing is done by itself");
  return hold(text + ": a human has to approve it");
}

// A human's approval does not answer it: it may be older than the work that is under way now.
Answer ask_busy(const Question& q) {
  if (q.order.not_while.empty()) return allow("disturbs no other work");
  for (const std::string_view kind : split(q.order.not_while, ' ')) {
    if (kind.empty()) continue;
    if (!is_busy_kind(kind)) return deny("no such kind of work: '" + printable(kind, 40) + "'");
    for (const std::string& busy : q.now.busy)
      if (busy.starts_with(kind) && busy.substr(kind.size()).starts_with(":")) return hold("not during " + busy);
  }
  for (const std::string& busy : q.now.busy)
    if (busy.starts_with(kBusyUnknown)) return hold(busy);
  return allow("nothing of " + q.order.not_while + " is at work");
}

Answer ask_order_expiry(const Question& q) {
  constexpr Duration kClockSlack = std::chrono::seconds(5);
  constexpr Duration kMostLife = std::chrono::minutes(2);
  const Order& order = q.order;
  if (q.now.now >= order.expires_at) return deny("expired " + format_duration(q.now.now - order.expires_at) + " ago");
  if (order.issued_at > q.now.now + kClockSlack)
    return deny("issued " + format_duration(order.issued_at - q.now.now) + " in the future");
  if (order.expires_at - order.issued_at > kMostLife) return deny("an order may live 2m at most");
  return allow("good for another " + format_duration(order.expires_at - q.now.now));
}

Answer ask_boot_grace(const Question& q) {
  const std::string reason =
      "up " + format_duration(q.now.uptime) + ", waits for " + format_duration(q.policy.boot_grace) + " after boot";
  return q.now.uptime >= q.policy.boot_grace ? allow(reason) : hold(reason);
}

// To stop it, to limit it or to roll it back is what helps then.
Answer ask_crash_loop(const Question& q) {
  constexpr std::string_view kStarting[] = {"service.restart", "service.start", "service.reload", "container.restart"};
  if (std::ranges::find(kStarting, q.order.plan.action) == std::end(kStarting)) return allow("does not start it again");
  const std::string reason = strf("%d restarts in %s, %d are a crash loop", q.now.restarts_seen,
                                  format_duration(q.policy.crash_loop_window).c_str(), q.policy.crash_loop_restarts);
  return q.now.restarts_seen < q.policy.crash_loop_restarts ? allow(reason) : deny(reason);
}

}  // namespace hostmedic::guard
