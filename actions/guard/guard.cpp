// SPDX-License-Identifier: Apache-2.0
#include "actions/guard/guard.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/base/text.h"

namespace hostmedic::guard {
namespace {

struct Question {
  const Policy& policy;
  const Order& order;
  const Circumstances& now;
};
struct Answer {
  Decision decision{};
  std::string reason;
};
Answer allow(std::string reason) { return {Decision::allow, std::move(reason)}; }
Answer hold(std::string reason) { return {Decision::hold, std::move(reason)}; }
Answer deny(std::string reason) { return {Decision::deny, std::move(reason)}; }

bool covers(std::string_view glob, const Entity& entity) {
  return glob_match(glob, to_string(entity)) || glob_match(glob, entity.name);
}

// What was refused, unnecessary or too late changed nothing on the host and uses up no limit. An order whose end is
// not known does.
bool counts(const PastAction& past) {
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
  return true;
}

// An action in the future means that the clock was set back; it counts as recent, the safe side.
bool inside(WallTime at, WallTime now, Duration window) { return at > now || now - at < window; }

template <class Match>
int count_within(const Question& q, Duration window, Match match) {
  return static_cast<int>(std::count_if(q.now.history.begin(), q.now.history.end(), [&](const PastAction& past) {
    return counts(past) && inside(past.at, q.now.now, window) && match(past);
  }));
}

Answer limited(int seen, const Limit& limit, const std::string& what) {
  const std::string reason =
      strf("%d of %d actions %s in %s", seen, limit.count, what.c_str(), format_duration(limit.window).c_str());
  return seen < limit.count ? allow(reason) : deny(reason);
}

Answer ask_kill_switch(const Question& q) {
  if (!q.now.halted) return allow("not halted");
  return deny("halted by " + (q.now.halted_by.empty() ? std::string("an administrator") : q.now.halted_by));
}

Answer ask_maintenance(const Question& q) {
  for (const Maintenance& window : q.now.maintenance) {
    if (window.until <= q.now.now || !covers(window.entity, q.order.plan.target)) continue;
    return deny("until " + format_utc(window.until) + " by " + window.by +
                (window.reason.empty() ? std::string() : ": " + window.reason));
  }
  return allow("no maintenance");
}

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
  return deny("tier is not known");
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

Answer ask_confidence(const Question& q) {
  const double confidence = q.order.confidence;
  if (!std::isfinite(confidence)) return deny("it is not a number");
  if (confidence >= q.policy.confidence_act)
    return allow(strf("%.2f, needs %.2f", confidence, q.policy.confidence_act));
  if (!q.now.approved_by.empty()) return allow(strf("%.2f, approved by ", confidence) + q.now.approved_by);
  return hold(strf("%.2f is below %.2f: a human has to approve it", confidence, q.policy.confidence_act));
}

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
  return hold("state not known");
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

Answer ask_cooldown(const Question& q) {
  const Entity& target = q.order.plan.target;
  const Duration window = std::max(q.policy.per_target.window, q.policy.cooldown);
  const auto on_target = [&](const PastAction& past) { return past.target == target; };
  const int seen = count_within(q, window, on_target);
  if (seen == 0) return allow("no action on it in " + format_duration(window));
  WallTime last = WallTime::min();
  for (const PastAction& past : q.now.history)
    if (counts(past) && on_target(past)) last = std::max(last, past.at);
  Duration wait = q.policy.cooldown;
  for (int i = 1; i < seen && wait < q.policy.cooldown_most; ++i) wait += wait;
  wait = std::min(wait, std::max(q.policy.cooldown, q.policy.cooldown_most));
  const Duration since = last > q.now.now ? Duration{} : q.now.now - last;
  const std::string reason = "last action " + format_duration(since) + " ago, waits " + format_duration(wait) +
                             strf(" after %d in %s", seen, format_duration(window).c_str());
  return since >= wait && last <= q.now.now ? allow(reason) : hold(reason);
}

Answer ask_limit_target(const Question& q) {
  const int seen = count_within(q, q.policy.per_target.window,
                                [&](const PastAction& past) { return past.target == q.order.plan.target; });
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
  for (const PastAction& past : q.now.history) {
    if (past.key == q.order.key) return deny("order " + past.key + " was already taken up");
    if (!past.finished && past.target == q.order.plan.target)
      return hold("order " + past.key + " on " + to_string(past.target) + " has not ended");
  }
  return allow("nothing under way on it");
}

Answer ask_crash_loop(const Question& q) {
  if (q.order.plan.target.kind != EntityKind::service) return allow("not a service");
  const std::string reason = strf("%d restarts in %s, %d are a crash loop", q.now.restarts_seen,
                                  format_duration(q.policy.crash_loop_window).c_str(), q.policy.crash_loop_restarts);
  return q.now.restarts_seen < q.policy.crash_loop_restarts ? allow(reason) : deny(reason);
}

Answer ask_blast_radius(const Question& q) {
  const int touched = q.order.plan.touched;
  if (touched < 1) return deny(strf("claims to touch %d entities", touched));
  if (touched > q.policy.touched_most) return deny(strf("touches %d, at most %d", touched, q.policy.touched_most));
  if (touched == 1) return allow("touches 1 entity");
  const double most = q.policy.touched_share_most * q.now.entities_of_kind;
  const std::string reason =
      strf("touches %d of %d, at most %.0f%%", touched, q.now.entities_of_kind, q.policy.touched_share_most * 100);
  return touched <= most ? allow(reason) : deny(reason);
}

Answer ask_human_undo(const Question& q) {
  if (!q.order.undoes.empty()) return allow("it is an undo");
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

// A plan that treats a file names the directory that permits it.
Answer ask_log_root(const Question& q) {
  const std::string_view root = q.order.plan.get("root");
  if (root.empty()) return allow("treats no file");
  for (const std::string& allowed : q.policy.log_roots)
    if (!allowed.empty() && (root == allowed || (root.starts_with(allowed) && root[allowed.size()] == '/')))
      return allow("below " + allowed);
  return deny(std::string(root) + " is not among the log roots");
}

constexpr std::string_view kNeverTouch[] = {
    "service:systemd-*",       "service:init.scope",
    "service:*.slice",         "service:*.target",
    "service:user@*",          "service:dbus*",
    "service:polkit*",         "service:ssh.*",
    "service:ssh@*",           "service:sshd.*",
    "service:sshd@*",          "service:sshd-session*",
    "service:hostmedic*",      "agent:*",
    "service:NetworkManager*", "service:networking.service",
    "service:network.service", "service:wpa_supplicant*",
    "service:-.mount",
};

Answer ask_never_touch(const Question& q) {
  const std::string target = to_string(q.order.plan.target);
  for (const std::string_view glob : kNeverTouch)
    if (glob_match(glob, target)) return deny(target + " is never touched ('" + std::string(glob) + "')");
  return allow("not on the built-in list");
}

struct Rule {
  RuleInfo info;
  Answer (*ask)(const Question&);
};
constexpr Rule kRules[] = {
    {{"kill-switch", "No action while an administrator has halted Hostmedic."}, ask_kill_switch},
    {{"maintenance", "No action on an entity in maintenance."}, ask_maintenance},
    {{"exclusion-window", "No action without a human inside an exclusion window of the policy."}, ask_exclusion},
    {{"tier", "The autonomy given to the runbook on the entity: observe, suggest, approve or auto."}, ask_tier},
    {{"confidence",
      "Acts alone from confidence_act on, from confidence_reversible on what is undone when it does not help, else a "
      "human is asked."},
     ask_confidence},
    {{"two-signals", "Two independent signals, or one that is proof by itself."}, ask_two_signals},
    {{"target-state", "The target is still faulty and nothing is already at work on it."}, ask_target_state},
    {{"storm", "No automatic action while too much departs at once, except by runbooks that the policy names."},
     ask_storm},
    {{"post-change", "What was changed minutes ago is treated only as far as the policy says."}, ask_post_change},
    {{"order-expiry", "The order is neither expired nor from the future, and short-lived."}, ask_order_expiry},
    {{"boot-grace", "No action so soon after boot."}, ask_boot_grace},
    {{"cooldown", "A pause between two actions on one target, doubled by each within the window."}, ask_cooldown},
    {{"rate-limit-target", "So many actions on one target in a window."}, ask_limit_target},
    {{"rate-limit-runbook", "So many actions by one runbook in a window."}, ask_limit_runbook},
    {{"rate-limit-host", "So many actions on the host in a window."}, ask_limit_host},
    {{"in-flight", "One order at a time on a target, and each order once."}, ask_in_flight},
    {{"crash-loop", "No restart of a service that was restarted so often that restarting does not help."},
     ask_crash_loop},
    {{"blast-radius", "So many entities may feel one action, as a number and as a share."}, ask_blast_radius},
    {{"human-undo", "What a human undid is not done again until it is enabled again."}, ask_human_undo},
    {{"protected", "Entities, and the services that write a treated log, that the policy protects."}, ask_protected},
    {{"log-root", "Files are treated only below the log roots of the policy."}, ask_log_root},
    {{"never-touch", "The built-in list of what keeps the host reachable and the agent alive; asked last."},
     ask_never_touch},
};
constexpr auto kRuleInfos = [] {
  std::array<RuleInfo, std::size(kRules)> infos;
  for (std::size_t i = 0; i < infos.size(); ++i) infos[i] = kRules[i].info;
  return infos;
}();

}  // namespace

std::span<const std::string_view> never_touch() { return kNeverTouch; }

std::string_view to_string(TargetState state) {
  switch (state) {
    case TargetState::faulty: return "faulty";
    case TargetState::recovered: return "recovered";
    case TargetState::changing: return "changing";
    case TargetState::gone: return "gone";
    case TargetState::unknown: return "unknown";
  }
  return "?";
}

Tier tier_of(const Policy& policy, std::string_view runbook, const Entity& target) {
  Tier tier = policy.tier;
  for (const TierRule& rule : policy.tiers)
    if (glob_match(rule.runbook, runbook) && covers(rule.entity, target)) tier = rule.tier;
  return tier;
}

Verdict judge(const Policy& policy, const Order& order, const Circumstances& now) {
  const Question question{policy, order, now};
  Verdict verdict{.decision = Decision::allow, .answers = {}};
  for (const Rule& rule : kRules) {
    Answer answer = rule.ask(question);
    verdict.decision = std::max(verdict.decision, answer.decision);
    verdict.answers.push_back({std::string(rule.info.name), answer.decision, std::move(answer.reason)});
  }
  return verdict;
}

std::span<const RuleInfo> rules() { return kRuleInfos; }

}  // namespace hostmedic::guard
