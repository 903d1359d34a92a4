// SPDX-License-Identifier: Apache-2.0
// From the runbook's next step to the order: plan, verdict, proposal.
#include <algorithm>

#include "actions/course.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Duration kOrderLife = std::chrono::seconds(30);
constexpr Duration kAnswerSlack = std::chrono::seconds(30);   // for the actuator's answer after the plan's time limit
constexpr Duration kHoldPatience = std::chrono::minutes(5);   // held so long: a human is asked
constexpr Duration kPlanPatience = std::chrono::seconds(30);  // facts such as the growing file may come late

// Denials that a human or the target itself lifts. They are asked again for as long as the incident is active.
constexpr std::string_view kWaiting[] = {"kill-switch",  "maintenance", "exclusion-window", "tier",
                                         "target-state", "storm",       "self-inflicted"};
// Denials that another moment will not lift: a human is needed.
constexpr std::string_view kFinal[] = {"rate-limit-target", "rate-limit-runbook", "rate-limit-host", "crash-loop",
                                       "blast-radius",      "human-undo",         "protected",       "never-touch"};

template <class Names>
const RuleAnswer* denied_by(const Verdict& verdict, const Names& names) {
  for (const RuleAnswer& answer : verdict.answers)
    if (answer.decision == Decision::deny &&
        std::find(std::begin(names), std::end(names), answer.rule) != std::end(names))
      return &answer;
  return nullptr;
}

// All that is missing is a human's word.
bool only_a_human(const Verdict& verdict) {
  return std::all_of(verdict.answers.begin(), verdict.answers.end(), [](const RuleAnswer& answer) {
    return answer.decision == Decision::allow ||
           (answer.decision == Decision::hold && (answer.rule == "tier" || answer.rule == "confidence" ||
                                                  answer.rule == "post-change" || answer.rule == "disarmed"));
  });
}

std::string order_key(const Order& order, int attempt) {
  const std::string text = order.incident_id +
                           strf("/%d/%d/%lld/", order.step, attempt, static_cast<long long>(to_ns(order.issued_at))) +
                           order.plan.action;
  return hex64(fnv1a(text)) + hex64(fnv1a(text, 0x9e3779b97f4a7c15ULL)).substr(0, 8);
}

}  // namespace

void Response::Course::treat(const Surroundings& here) {
  if (incident.suspicion || !still_fires(incident)) return;  // not believed yet; or it flaps, and is quiet just now
  if (!runbook) return begin(here);                          // it was removed while an order of it was under way
  if (here.now.mono < not_before_) return;
  if (approved_until_ && here.now.mono >= *approved_until_) {
    approved_by_.clear();
    approved_until_.reset();
  }
  // What a human approved is done as it was approved, or not at all.
  if (approved_by_.empty() && !make_plan(here)) return;
  order.confidence = incident.confidence;
  order.signals = incident.signals;
  order.proof = incident.proof;
  order.issued_at = here.now.wall;
  order.expires_at = here.now.wall + kOrderLife;
  order.approved_by = approved_by_;
  if (approved_by_.empty()) order.key = order_key(order, attempt);
  decide(judge(here), here);
}

bool Response::Course::make_plan(const Surroundings& here) {
  std::string reasons;
  for (int i = 0; i < static_cast<int>(runbook->steps.size()); ++i) {
    if (tried.contains(i)) continue;
    const Step& step = runbook->steps[static_cast<std::size_t>(i)];
    const ActionInfo* action = find_action(step.action);
    Result<Plan> plan = make_error(ErrorCode::not_found, "no such action");
    if (action != nullptr) plan = action->plan(incident, here.host, step.params);
    if (plan && step.timeout > Duration{}) plan->timeout = step.timeout;
    Status valid = ok();
    if (plan) valid = action->validate(*plan);
    if (!plan || !valid) {
      if (!reasons.empty()) reasons += "; ";
      reasons += step.action + ": " + (plan ? valid.error() : plan.error()).message();
      continue;
    }
    order = Order{};
    order.incident_id = incident.id;
    order.incident_kind = incident.kind;
    order.runbook = runbook->name;
    order.step = i;
    order.plan = std::move(*plan);
    const std::string identity = order.plan.action + " " + to_string(order.plan.target) + " " + order.plan.command;
    if (planned_ == identity) return true;
    planned_ = identity;
    judged_.clear();
    stuck_since_.reset();
    note(TimelineKind::planned, order.plan.what, here,
         {{"action", order.plan.action},
          {"command", order.plan.command},
          {"undo", order.plan.undo},
          {"runbook", runbook->name},
          {"step", strf("%d", i + 1)}});
    return true;
  }
  no_plan(reasons, here);
  return false;
}

void Response::Course::no_plan(const std::string& reasons, const Surroundings& here) {
  constexpr std::string_view kNone = "none";
  if (reasons.empty())
    return escalate("all-steps-tried", "every step of runbook " + runbook->name + " was tried", here);
  const std::string text = "no step of runbook " + runbook->name + " applies: " + reasons;
  if (planned_ != kNone) {
    planned_ = kNone;
    stuck_since_.reset();
    note(TimelineKind::note, text, here);
  }
  if (stuck_for(kPlanPatience, here) && tier(here, incident.root) >= Tier::approve) escalate("no-plan", text, here);
}

Tier Response::Course::tier(const Surroundings& here, const Entity& target) const {
  return std::min(guard::tier_of(here.policy, runbook->name, target), runbook->ceiling);
}

Verdict Response::Course::judge(const Surroundings& here) {
  guard::Circumstances circumstances = here.circumstances(order);
  circumstances.approved_by = order.approved_by;
  if (tier(here, order.plan.target) == guard::tier_of(here.policy, runbook->name, order.plan.target))
    return guard::judge(here.policy, order, circumstances);
  guard::Policy lower = here.policy;  // the runbook's own ceiling
  lower.tiers.push_back({"*", "*", runbook->ceiling});
  return guard::judge(lower, order, circumstances);
}

void Response::Course::note_verdict(const Verdict& verdict, std::string_view whose, Tier tier,
                                    const Surroundings& here) {
  std::string identity = std::string(whose) + std::string(to_string(verdict.decision));
  std::vector<Attribute> answers;
  for (const RuleAnswer& answer : verdict.answers) {
    if (answer.decision == verdict.decision) identity += " " + answer.rule;
    answers.push_back({answer.rule, std::string(to_string(answer.decision)) + ": " + answer.reason});
  }
  if (judged_ == identity) return;
  judged_ = identity;
  note(TimelineKind::verdict, std::string(whose) + verdict.summary(), here, std::move(answers));
  if (tier <= Tier::suggest && verdict.decision != Decision::allow)
    note(TimelineKind::note, "would have done: " + order.plan.what + " (" + order.plan.command + ")", here);
}

void Response::Course::decide(const Verdict& verdict, const Surroundings& here) {
  const Tier tier = this->tier(here, order.plan.target);
  note_verdict(verdict, "", tier, here);
  if (verdict.decision == Decision::allow) return give_order(here);
  if (denied_by(verdict, kWaiting) != nullptr) {
    stuck_since_.reset();
    return;
  }
  if (const RuleAnswer* final = denied_by(verdict, kFinal); final != nullptr && tier > Tier::suggest)
    return escalate(final->rule, "not treated: " + final->rule + ": " + final->reason, here);
  if (tier == Tier::suggest) {
    if (!only_a_human(verdict)) return;
    tell("suggestion",
         "suggested for " + to_string(incident.root) + ": " + order.plan.what + " (" + order.plan.command + ")", here);
    return;
  }
  if (only_a_human(verdict)) return propose(here);
  if (stuck_for(kHoldPatience, here))
    escalate("held", "waited " + format_duration(kHoldPatience) + " in vain: " + verdict.summary(), here);
}

void Response::Course::propose(const Surroundings& here) {
  phase = Phase::proposed;
  deadline = here.now.mono + kProposalLife;
  proposal_expires_at = here.now.wall + kProposalLife;
  note(TimelineKind::approval, "waits for a human until " + format_utc(proposal_expires_at) + ": " + order.plan.what,
       here);
  tell("proposal",
       "approval wanted for " + to_string(incident.root) + ": " + order.plan.what + " (" + order.plan.command + ")",
       here);
}

void Response::Course::approve(const std::string& by, const Surroundings& here) {
  approved_by_ = by;
  approved_until_ = deadline;
  phase = Phase::judging;
  judged_.clear();
  note(TimelineKind::approval, "approved by " + by, here);
}

void Response::Course::reject(const std::string& by, const std::string& reason, const Surroundings& here) {
  phase = Phase::stopped;
  note(TimelineKind::approval, "rejected by " + by + (reason.empty() ? std::string() : ": " + reason), here);
}

void Response::Course::give_order(const Surroundings& here) {
  ++attempt;
  phase = Phase::acting;
  deadline = here.now.mono + kOrderLife + order.plan.timeout + kAnswerSlack;
  acted_at_ = here.now.mono;
  proved_ = false;
  before_ = here.host.value(incident.root, check().series, check().attributes);
  stuck_since_.reset();
  approved_by_.clear();
  approved_until_.reset();
  set_state(IncidentState::acting);
  note(TimelineKind::ordered, order.plan.what, here,
       {{"order", order.key},
        {"command", order.plan.command},
        {"attempt", strf("%d", attempt)},
        {"expires_at", format_utc(order.expires_at)}});
  order_out_ = order;
}

void Response::Course::refused(const Verdict& verdict, const Surroundings& here) {
  constexpr int kMostRefusals = 5;
  constexpr Duration kFirstPause = std::chrono::seconds(10);
  ++refusals_;
  // It may have refused before its guard was asked; the outcome's own words are in the timeline then.
  if (!verdict.answers.empty()) note_verdict(verdict, "actuator: ", Tier::automatic, here);
  if (const RuleAnswer* final = denied_by(verdict, kFinal); final != nullptr)
    return escalate(final->rule, "the actuator refused it: " + final->rule + ": " + final->reason, here);
  if (refusals_ >= kMostRefusals)
    return escalate("refused", strf("the actuator refused %d orders, the last: ", refusals_) + verdict.summary(), here);
  not_before_ = here.now.mono + kFirstPause * (1 << (refusals_ - 1));
  set_state(IncidentState::open);
  phase = Phase::judging;
}

}  // namespace hostmedic
