// SPDX-License-Identifier: Apache-2.0
// When a step did not help, or made it worse: how that is seen, and how it is taken back.
#include <algorithm>
#include <cmath>
#include <utility>

#include "actions/course.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

struct Extent {
  std::optional<double> beyond, room;
};

// How far a signal is beyond its limit or its usual band, and how much further it has to go to be clearly worse.
Extent extent_of(const Anomaly& anomaly) {
  if (!anomaly.value) return {};
  const double value = *anomaly.value;
  bool above = anomaly.direction != Direction::below;
  double limit = 0, scale = 0;
  if (anomaly.normal_low && anomaly.normal_high) {
    if (anomaly.direction == Direction::none) above = value >= *anomaly.normal_low;
    limit = above ? *anomaly.normal_high : *anomaly.normal_low;
    scale = *anomaly.normal_high - *anomaly.normal_low;
  } else if (anomaly.expected) {
    limit = *anomaly.expected;
    scale = std::abs(limit);
  } else {
    return {};
  }
  const double beyond = above ? value - limit : limit - value;
  double room = std::max(std::max(beyond, 0.0) / 2, scale / 4);
  if (above && anomaly.unit == Unit::ratio && value < 1) room = std::min(room, (1 - value) / 2);
  if (!above && value > 0) room = std::min(room, value / 2);
  return {beyond, room};
}

bool same(const SignalMark& mark, const Anomaly& anomaly) {
  return mark.entity == anomaly.entity && mark.rule == anomaly.rule && mark.signal == anomaly.signal;
}

}  // namespace

void Response::Course::mark_signals(const Surroundings& here) {
  marks_.clear();
  const Incident* const now = here.sources.detected(incident.id);
  for (const Anomaly& anomaly : (now != nullptr ? *now : incident).anomalies) {
    const Extent extent = extent_of(anomaly);
    marks_.push_back({anomaly.entity, anomaly.rule, anomaly.signal, anomaly.firing, extent.beyond, extent.room});
  }
}

// Which signal is clearly worse than before the order; empty: none is.
std::string Response::Course::worse(const Surroundings& here) const {
  const Incident* const now = here.sources.detected(incident.id);
  for (const Anomaly& anomaly : (now != nullptr ? *now : incident).anomalies) {
    if (!anomaly.firing) continue;
    const auto mark = std::ranges::find_if(marks_, [&](const SignalMark& one) { return same(one, anomaly); });
    if (mark == marks_.end() || !mark->firing) {
      if (anomaly.proof && !marks_.empty()) return anomaly.evidence;
      continue;
    }
    const Extent extent = extent_of(anomaly);
    if (!extent.beyond || !mark->beyond || !mark->room || *extent.beyond <= *mark->beyond + *mark->room) continue;
    return anomaly.signal +
           strf(" is %.3g beyond what is usual, and was %.3g before the order", *extent.beyond, *mark->beyond);
  }
  return {};
}

bool Response::Course::may_undo(OutcomeResult result) const {
  return result == OutcomeResult::done || result == OutcomeResult::timed_out || result == OutcomeResult::interrupted;
}

// What was done although it was not sure enough was done since it can be taken back; the runbook has no say in that.
bool Response::Course::step_undoes(const Surroundings& here) const {
  const std::size_t step = static_cast<std::size_t>(order.step);
  const ActionInfo* const action = find_action(order.plan.action);
  if (!runbook || step >= runbook->steps.size() || action == nullptr || !action->reversible) return false;
  return runbook->steps[step].undo || order.confidence < here.policy.confidence_act;
}

// The guard is asked at once, and again on each tick until it allows it.
void Response::Course::begin_undo(const Surroundings& here) {
  phase = Phase::undoing;
  undo = order;
  undo_sent_ = false;
  undo->undoes = order.key;
  undo->plan.what = "take back: " + order.plan.what;
  undo->plan.command = order.plan.undo;
  undo->plan.lasts = {};
  refusals_ = 0;
  not_before_ = here.now.mono;
  stuck_since_.reset();
  judged_.clear();
  set_state(IncidentState::acting);
}

void Response::Course::take_back(const Surroundings& here) {
  if (undo_sent_) {
    if (here.now.mono < deadline) return;
    Outcome lost;
    lost.key = undo->key;
    lost.result = OutcomeResult::interrupted;
    lost.text = "the actuator gave no answer in time; what it did is not known";
    return undone(lost, here);
  }
  if (here.now.mono < not_before_) return;
  undo->issued_at = here.now.wall;
  undo->expires_at = here.now.wall + kOrderLife;
  undo->key = order_key(*undo, attempt);
  const Verdict verdict = judge(*undo, here);
  note_verdict(verdict, "undo: ", Tier::automatic, here);
  if (verdict.decision != Decision::allow) {
    if (!stuck_for(kHoldPatience, here)) return;
    attempts_.back().result += "; not taken back";
    return escalate("undo-held", "what did not help is still in force: " + order.plan.what + ": " + verdict.summary(),
                    here);
  }
  undo_sent_ = true;
  deadline = here.now.mono + kOrderLife + undo->plan.timeout + kAnswerSlack;
  note(TimelineKind::ordered, undo->plan.what, here,
       {{"order", undo->key},
        {"undoes", undo->undoes},
        {"command", undo->plan.command},
        {"attempt", strf("%d", attempt)},
        {"expires_at", format_utc(undo->expires_at)}});
  order_out_ = *undo;
}

void Response::Course::undone(const Outcome& outcome, const Surroundings& here) {
  if (restored) resume(here);
  constexpr int kMostRefusals = 3;
  constexpr Duration kPause = std::chrono::seconds(10);
  std::vector<Attribute> details = outcome.details;
  details.push_back({"result", std::string(to_string(outcome.result))});
  details.push_back({"order", outcome.key});
  if (phase != Phase::undoing)
    return note(TimelineKind::note, "a late answer: " + outcome.text, here, std::move(details));
  const bool back = outcome.result == OutcomeResult::done || outcome.result == OutcomeResult::unnecessary;
  const std::string said = std::string(to_string(outcome.result)) + ": " + outcome.text;
  note(back ? TimelineKind::undone : TimelineKind::acted, back ? "taken back: " + order.plan.what + "; " + said : said,
       here, std::move(details));
  if (back) {
    if (!attempts_.empty()) attempts_.back().result += "; taken back";
    std::erase_if(in_force, [&](const InForce& one) { return one.key == order.key; });
    return go_on(here);
  }
  if (outcome.result == OutcomeResult::refused && ++refusals_ < kMostRefusals) {
    undo_sent_ = false;
    not_before_ = here.now.mono + kPause;
    return;
  }
  if (!attempts_.empty()) attempts_.back().result += "; could not be taken back";
  escalate("undo-failed", "what did not help could not be taken back: " + order.plan.what + ": " + said, here);
}

}  // namespace hostmedic
