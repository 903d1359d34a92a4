// SPDX-License-Identifier: Apache-2.0
// The table of rules and how their answers become a verdict.
#include "actions/guard/guard.h"

#include <algorithm>
#include <array>

#include "actions/guard/question.h"
#include "agent/base/text.h"

namespace hostmedic::guard {
namespace {

struct Rule {
  RuleInfo info;
  Answer (*ask)(const Question&);
};
constexpr bool kAlsoUndo = true;
constexpr Rule kRules[] = {
    {{"kill-switch", "No action while an administrator has halted Hostmedic.", kAlsoUndo}, ask_kill_switch},
    {{"maintenance", "No action on an entity in maintenance."}, ask_maintenance},
    {{"exclusion-window", "No action without a human inside an exclusion window of the policy."}, ask_exclusion},
    {{"tier", "The autonomy given to the runbook on the entity: observe, suggest, approve or auto."}, ask_tier},
    {{"disarmed", "A runbook that misfired too often, or that a human disarmed, waits to be armed again."},
     ask_disarmed},
    {{"confidence",
      "Acts alone from confidence_act on, from confidence_reversible on what is undone when it does not help, else a "
      "human is asked."},
     ask_confidence},
    {{"two-signals", "Two independent signals, or one that is proof by itself."}, ask_two_signals},
    {{"target-state", "The target is still faulty and nothing is already at work on it."}, ask_target_state},
    {{"self-inflicted", "What our own action of the last minute explains is not acted on."}, ask_self_inflicted},
    {{"storm", "No automatic action while too much departs at once, except by runbooks that the policy names."},
     ask_storm},
    {{"post-change", "What was changed minutes ago is treated only as far as the policy says."}, ask_post_change},
    {{"busy", "Not while work goes on that the runbook must not disturb, such as a backup."}, ask_busy},
    {{"order-expiry", "The order is neither expired nor from the future, and short-lived.", kAlsoUndo},
     ask_order_expiry},
    {{"boot-grace", "No action so soon after boot."}, ask_boot_grace},
    {{"cooldown",
      "A pause between two actions on one target, and the runbook's own before it repeats one; doubled by each within "
      "the window."},
     ask_cooldown},
    {{"rate-limit-target", "So many actions on one target in a window."}, ask_limit_target},
    {{"rate-limit-runbook", "So many actions by one runbook in a window."}, ask_limit_runbook},
    {{"rate-limit-host", "So many actions on the host in a window."}, ask_limit_host},
    {{"in-flight", "One order at a time on a target and what depends on it or it on, and each order once.", kAlsoUndo},
     ask_in_flight},
    {{"crash-loop", "No restart of a service that was restarted so often that restarting does not help."},
     ask_crash_loop},
    {{"blast-radius", "So many entities may feel one action, as a number and as a share."}, ask_blast_radius},
    {{"lease",
      "What could harm if a whole fleet did it at once needs the aggregator's leave, where the policy says so."},
     ask_lease},
    {{"human-undo", "What a human undid is not done again until it is enabled again."}, ask_human_undo},
    {{"protected", "Entities, and the services that write a treated log, that the policy protects.", kAlsoUndo},
     ask_protected},
    {{"log-root", "Files are treated only below the log roots of the policy.", kAlsoUndo}, ask_log_root},
    {{"clean-root", "Old files are removed only below the clean roots of the policy."}, ask_clean_root},
    {{"never-touch",
      "The built-in list of what keeps the host reachable and the agent alive, and the peers that are never blocked; "
      "asked last.",
      kAlsoUndo},
     ask_never_touch},
};
constexpr auto kRuleInfos = [] {
  std::array<RuleInfo, std::size(kRules)> infos;
  for (std::size_t i = 0; i < infos.size(); ++i) infos[i] = kRules[i].info;
  return infos;
}();

}  // namespace

std::string_view to_string(TargetState state) {
  switch (state) {
    case TargetState::faulty: return "faulty";
    case TargetState::recovered: return "recovered";
    case TargetState::changing: return "changing";
    case TargetState::gone: return "gone";
    case TargetState::unknown: return "unknown";
  }
  return "?";  // uncovered: every enumerator has returned above
}

bool covers(std::string_view glob, const Entity& entity) {
  return glob_match(glob, to_string(entity)) || glob_match(glob, entity.name);
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
    Answer answer =
        order.undoes.empty() || rule.info.undo ? rule.ask(question) : allow("an undo is not limited by this");
    verdict.decision = std::max(verdict.decision, answer.decision);
    verdict.answers.push_back({std::string(rule.info.name), answer.decision, std::move(answer.reason)});
  }
  return verdict;
}

std::span<const RuleInfo> rules() { return kRuleInfos; }

}  // namespace hostmedic::guard
