// SPDX-License-Identifier: Apache-2.0
// From the runbook's next step to the order: plan, verdict, proposal.
#include <algorithm>
#include <functional>
#include <utility>

#include "actions/course.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

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

// What a human's word lifts.
constexpr std::string_view kHumans[] = {"tier", "confidence", "post-change", "disarmed"};

bool lease_holds(const RuleAnswer& answer) { return answer.decision == Decision::hold && answer.rule == "lease"; }

// All that is missing is a human's word; the aggregator is asked when there is one.
bool only_a_human(const Verdict& verdict) {
  bool human = false;
  for (const RuleAnswer& answer : verdict.answers) {
    if (answer.decision == Decision::allow || lease_holds(answer)) continue;
    if (answer.decision != Decision::hold || std::ranges::find(kHumans, answer.rule) == std::end(kHumans)) return false;
    human = true;
  }
  return human;
}

bool only_the_lease(const Verdict& verdict) {
  return verdict.decision == Decision::hold && std::ranges::all_of(verdict.answers, [](const RuleAnswer& answer) {
           return answer.decision == Decision::allow || lease_holds(answer);
         });
}

}  // namespace

std::string order_key(const Order& order, int attempt) {
  const std::string text = order.incident_id +
                           strf("/%d/%d/%lld/", order.step, attempt, static_cast<long long>(to_ns(order.issued_at))) +
                           order.plan.action;
  return hex64(fnv1a(text)) + hex64(fnv1a(text, 0x9e3779b97f4a7c15ULL)).substr(0, 8);
}

Result<Plan> plan_step(const Step& step, const Incident& incident, const HostView& host) {
  const ActionInfo* const action = find_action(step.action);
  if (action == nullptr) return make_error(ErrorCode::not_found, "no such action");
  auto plan = action->plan(incident, host, step.params);
  if (!plan) return plan;
  if (step.timeout > Duration{}) plan->timeout = step.timeout;
  if (Status valid = action->validate(*plan); !valid) return std::move(valid).error();
  return plan;
}

// How sure it is, what the runbook asks of the guard, and for how long it is good.
Order order_of(const Runbook& runbook, int step, Plan plan, const Incident& incident, const Experience& experience,
               WallTime now) {
  Order order;
  order.incident_id = incident.id;
  order.incident_kind = incident.kind;
  order.runbook = runbook.name;
  order.step = step;
  order.plan = std::move(plan);
  order.confidence =
      incident.confidence * experience.trust(incident.fingerprint, incident.kind, order.plan.action, now);
  order.signals = incident.signals;
  order.proof = incident.proof;
  order.issued_at = now;
  order.expires_at = now + kOrderLife;
  for (const std::string& kind : runbook.not_while) order.not_while += (order.not_while.empty() ? "" : " ") + kind;
  order.cooldown = runbook.cooldown;
  order.touched_most = runbook.touched_most;
  return order;
}

Verdict judge_under(Tier ceiling, const Order& order, const guard::Policy& policy,
                    const guard::Circumstances& circumstances) {
  if (ceiling >= guard::tier_of(policy, order.runbook, order.plan.target))
    return guard::judge(policy, order, circumstances);
  guard::Policy lower = policy;
  lower.tiers.push_back({"*", "*", ceiling});
  return guard::judge(lower, order, circumstances);
}

void Response::Course::treat(const Surroundings& here) {
  if (incident.suspicion || !still_fires(incident)) return;  // not believed yet; or it flaps, and is quiet just now
  if (!runbook) return begin(here);                          // it was removed while an order of it was under way
  if (here.now.mono < not_before_) return;
  if (approved_until_ && here.now.mono >= *approved_until_) {
    approved_by_.clear();
    approved_until_.reset();
  }
  if (!may_act(here)) return;
  notify_first(here);
  // What a human approved is done as it was approved, or not at all.
  if (approved_by_.empty() && !make_plan(here)) return;
  date(order, here);
  decide(judge(order, here), here);
}

// The runbook's requirements. All are asked, so that those that look back in time do so from the beginning.
bool Response::Course::may_act(const Surroundings& here) {
  const Requirement* unmet = nullptr;
  for (const Requirement& one : runbook->requirements)
    if (!here.sources.conditions.holds(one.condition, incident.root).value_or(false) && unmet == nullptr) unmet = &one;
  if (unmet == nullptr) {
    if (!std::exchange(unmet_, {}).empty()) stuck_since_.reset();
    return true;
  }
  const std::string text = "runbook " + runbook->name + " waits: " + unmet->why + " (" +
                           here.sources.conditions.explain(unmet->condition, incident.root) + ")";
  if (unmet_ != unmet->condition) {
    unmet_ = unmet->condition;
    note(TimelineKind::note, text, here);
  }
  if (stuck_for(kHoldPatience, here) && tier(here, incident.root) >= Tier::approve) escalate("require", text, here);
  return false;
}

// Steps that only tell people, up to the one that is to be taken next; each is told once, whatever comes of the others.
void Response::Course::notify_first(const Surroundings& here) {
  for (int i = 0; i < static_cast<int>(runbook->steps.size()); ++i) {
    const Step& step = runbook->steps[static_cast<std::size_t>(i)];
    if (tried.contains(i)) continue;
    if (step.action != kNotifyStep && runbook->choose == Choice::order) return;
    if (step.action != kNotifyStep) continue;
    tried.insert(i);
    const std::string text = notice_of(step);
    const std::string reason = strf("step %d", i + 1);
    if (told.contains(reason)) continue;
    const bool may_tell = tier(here, incident.root) >= Tier::suggest;
    note(TimelineKind::note, (may_tell ? "told: " : "would have told: ") + text, here, {{"reason", reason}});
    if (may_tell) tell(reason, to_string(incident.root) + ": " + text, here);
  }
}

// When it is given, by whom, and how sure it is now.
void Response::Course::date(Order& ret_order, const Surroundings& here) const {
  const Order fresh =
      order_of(*runbook, ret_order.step, std::move(ret_order.plan), incident, here.experience, here.now.wall);
  const std::string key = std::move(ret_order.key);
  ret_order = fresh;
  ret_order.approved_by = approved_by_;
  ret_order.key = approved_by_.empty() ? order_key(ret_order, attempt) : key;
}

// The untried steps that have a plan, the one to take first in front. reasons: why the others have none.
std::vector<Order> Response::Course::plans(const Surroundings& here, std::string& ret_reasons) const {
  std::vector<Order> found;
  for (int i = 0; i < static_cast<int>(runbook->steps.size()); ++i) {
    const Step& step = runbook->steps[static_cast<std::size_t>(i)];
    if (tried.contains(i) || step.action == kNotifyStep) continue;
    auto plan = plan_step(step, incident, here.host);
    if (!plan) {
      if (!ret_reasons.empty()) ret_reasons += "; ";
      ret_reasons += step.action + ": " + plan.error().message();
      continue;
    }
    found.push_back(order_of(*runbook, i, *std::move(plan), incident, here.experience, here.now.wall));
  }
  if (runbook->choose == Choice::success) put_in_order(found, here);
  return found;
}

// What only prepares goes first, then what most likely helps; else as the runbook has them.
void Response::Course::put_in_order(std::vector<Order>& ret_plans, const Surroundings& here) const {
  const auto rank = [&](const Order& one) {
    if (runbook->steps[static_cast<std::size_t>(one.step)].verify.subject == Check::Subject::none) return 2.0;
    return here.experience.expected(incident.fingerprint, incident.kind, one.plan.action, here.now.wall);
  };
  std::ranges::stable_sort(ret_plans, std::greater(), rank);
}

bool Response::Course::make_plan(const Surroundings& here) {
  std::string reasons;
  std::vector<Order> found = plans(here, reasons);
  if (found.empty()) {
    no_plan(reasons, here);
    return false;
  }
  order = std::move(found.front());
  found.erase(found.begin());
  others = std::move(found);
  const std::string identity = order.plan.action + " " + to_string(order.plan.target) + " " + order.plan.command;
  if (planned_ == identity) return true;
  planned_ = identity;
  judged_.clear();
  stuck_since_.reset();
  std::vector<Attribute> facts{{"action", order.plan.action},
                               {"command", order.plan.command},
                               {"undo", order.plan.undo},
                               {"runbook", runbook->name},
                               {"step", strf("%d", order.step + 1)}};
  if (runbook->choose == Choice::success)
    facts.push_back({"expected_success", strf("%.2f", here.experience.expected(incident.fingerprint, incident.kind,
                                                                               order.plan.action, here.now.wall))});
  note(TimelineKind::planned, order.plan.what, here, std::move(facts));
  return true;
}

void Response::Course::no_plan(const std::string& reasons, const Surroundings& here) {
  constexpr std::string_view kNone = "none";
  const bool only_told = std::ranges::all_of(runbook->steps, [](const Step& one) { return one.action == kNotifyStep; });
  if (only_told) {
    phase = Phase::stopped;
    return;
  }
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

Verdict Response::Course::judge(const Order& asked, const Surroundings& here) {
  guard::Circumstances circumstances = here.sources.circumstances(asked);
  circumstances.approved_by = asked.approved_by;
  return judge_under(runbook ? runbook->ceiling : Tier::automatic, asked, here.policy, circumstances);
}

void Response::Course::note_verdict(const Verdict& verdict, std::string_view whose, Tier tier,
                                    const Surroundings& here) {
  std::string identity = std::string(whose) + std::string(to_string(verdict.decision));
  std::vector<Attribute> answers;
  for (const RuleAnswer& answer : verdict.answers) {
    if (answer.decision == verdict.decision) identity += " " + answer.rule;
    if (lease_holds(answer)) identity += answer.reason;  // the aggregator's answer is another verdict
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
  lease_out_ = only_the_lease(verdict) && tier > Tier::suggest;
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

void Response::Course::give_order(const Surroundings& here) {
  ++attempt;
  phase = Phase::acting;
  deadline = here.now.mono + kOrderLife + order.plan.timeout + kAnswerSlack;
  acted_at_ = here.now.mono;
  proved_ = false;
  before_ = here.host.value(incident.root, check().series, check().attributes);
  mark_signals(here);
  stuck_since_.reset();
  approved_by_.clear();
  approved_until_.reset();
  set_state(IncidentState::acting);
  note(TimelineKind::ordered, order.plan.what, here,
       {{"order", order.key},
        {"command", order.plan.command},
        {"attempt", strf("%d", attempt)},
        {"expires_at", format_utc(order.expires_at)}});
  if (order.approved_by.empty() && order.confidence < here.policy.confidence_act)
    tell("tentative",
         strf("acted on %s though it is only %.0f%% sure, and takes it back if that does not help: ",
              to_string(incident.root).c_str(), 100 * order.confidence) +
             order.plan.what,
         here);
  others.clear();
  undo.reset();
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
