// SPDX-License-Identifier: Apache-2.0
// The rules about what people said: halt, maintenance, windows, tiers, how sure it must be, undos, protected entities.
#include <cmath>

#include "actions/guard/question.h"
#include "agent/base/text.h"

namespace hostmedic::guard {
namespace {

struct UtcMoment {
  int weekday;  // 0: Monday
  int minute;   // of the day
};
UtcMoment utc_moment(WallTime at) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(at.time_since_epoch()).count();
  const auto day = minutes >= 0 ? minutes / 1440 : (minutes - 1439) / 1440;
  const auto weekday = ((day + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
  return {static_cast<int>(weekday), static_cast<int>(minutes - day * 1440)};
}

bool excluded(const ExclusionWindow& window, UtcMoment moment) {
  const bool today = (window.days >> moment.weekday & 1U) != 0;
  const bool yesterday = (window.days >> ((moment.weekday + 6) % 7) & 1U) != 0;
  if (window.from_minute == window.to_minute) return today;
  if (window.from_minute < window.to_minute)
    return today && moment.minute >= window.from_minute && moment.minute < window.to_minute;
  return (today && moment.minute >= window.from_minute) || (yesterday && moment.minute < window.to_minute);
}

}  // namespace

// While it is halted nothing moves by itself, not even back.
Answer ask_kill_switch(const Question& q) {
  if (!q.now.halted) return allow("not halted");
  const std::string text = "halted by " + (q.now.halted_by.empty() ? std::string("an administrator") : q.now.halted_by);
  if (!q.order.undoes.empty() && !q.now.approved_by.empty())
    return allow(text + "; this undo is approved by " + q.now.approved_by);
  return deny(text);
}

Answer ask_maintenance(const Question& q) {
  for (const Maintenance& window : q.now.maintenance) {
    if (window.until <= q.now.now || !covers(window.entity, q.order.plan.target)) continue;
    return deny("until " + format_utc(window.until) + " by " + window.by +
                (window.reason.empty() ? std::string() : ": " + window.reason));
  }
  return allow("no maintenance");
}

Answer ask_exclusion(const Question& q) {
  for (const ExclusionWindow& window : q.policy.exclusions) {
    if (!covers(window.entity, q.order.plan.target) || !excluded(window, utc_moment(q.now.now))) continue;
    const std::string text =
        strf("window '%s' (%02d:%02d to %02d:%02d UTC)", window.name.c_str(), window.from_minute / 60,
             window.from_minute % 60, window.to_minute / 60, window.to_minute % 60);
    if (!q.now.approved_by.empty()) return allow(text + ", but approved by " + q.now.approved_by);
    return deny("no automatic action in " + text);
  }
  return allow("outside all exclusion windows");
}

Answer ask_tier(const Question& q) {
  const Tier tier = tier_of(q.policy, q.order.runbook, q.order.plan.target);
  const std::string named = "tier is " + std::string(to_string(tier));
  switch (tier) {
    case Tier::observe: return deny(named + ": would have done it");
    case Tier::suggest:
    case Tier::approve:
      if (!q.now.approved_by.empty()) return allow(named + "; approved by " + q.now.approved_by);
      return hold(named + ": a human has not approved it");
    case Tier::automatic: return allow(named);
  }
  return deny("tier is not known");  // uncovered: every enumerator has returned above
}

// Three bands: act; act where it can be taken back; ask.
Answer ask_confidence(const Question& q) {
  const double confidence = q.order.confidence;
  const double act = q.policy.confidence_act, reversible = q.policy.confidence_reversible;
  if (!std::isfinite(confidence)) return deny("it is not a number");
  if (confidence >= act) return allow(strf("%.2f, needs %.2f", confidence, act));
  if (!q.now.approved_by.empty()) return allow(strf("%.2f, approved by ", confidence) + q.now.approved_by);
  if (confidence < reversible)
    return hold(strf("%.2f is below %.2f: a human has to approve it", confidence, reversible));
  const ActionInfo* action = find_action(q.order.plan.action);
  if (action != nullptr && action->reversible)
    return allow(strf("%.2f is below %.2f, but it can be undone, and is if it does not help", confidence, act));
  return hold(strf("%.2f is below %.2f and it cannot be undone: a human has to approve it", confidence, act));
}

Answer ask_human_undo(const Question& q) {
  for (const PastAction& past : q.now.history) {
    if (past.by_hand_undone && past.action == q.order.plan.action && past.target == q.order.plan.target)
      return deny("a human undid this action of " + format_utc(past.at) + "; not again until it is enabled again");
  }
  return allow("no human undid it");
}

Answer ask_protected(const Question& q) {
  const std::string_view writer = q.order.plan.get("writer_unit");
  for (const std::string& glob : q.policy.protected_entities) {
    if (covers(glob, q.order.plan.target))
      return deny(to_string(q.order.plan.target) + " is protected by '" + glob + "'");
    if (!writer.empty() && covers(glob, {EntityKind::service, std::string(writer)}))
      return deny("the writer service:" + std::string(writer) + " is protected by '" + glob + "'");
  }
  return allow("not protected");
}

}  // namespace hostmedic::guard
