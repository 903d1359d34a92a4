// SPDX-License-Identifier: Apache-2.0
// What a restart of the daemon left behind: the course of an incident from its record and its orders.
#include <algorithm>
#include <utility>

#include "actions/course.h"
#include "agent/base/parse.h"

namespace hostmedic {
namespace {

// When the present round began: what was tried before the incident was last resolved says nothing of it.
WallTime round_began(const Incident& incident) {
  WallTime began{};
  for (const TimelineEntry& entry : incident.timeline)
    if (entry.kind == TimelineKind::resolved) began = entry.at;
  return began;
}

bool was_taken_back(const std::vector<OrderRow>& orders, const std::string& key) {
  return std::ranges::any_of(orders, [&](const OrderRow& row) {
    return row.order.undoes == key && row.outcome &&
           (row.outcome->result == OutcomeResult::done || row.outcome->result == OutcomeResult::unnecessary);
  });
}

// The proof of the last order, if it was there already.
const TimelineEntry* proof_of_last(const Incident& incident) {
  const TimelineEntry* proof = nullptr;
  for (const TimelineEntry& entry : incident.timeline) {
    if (entry.kind == TimelineKind::ordered) proof = nullptr;
    if (entry.kind == TimelineKind::verified && fact(entry.attributes, "result").empty()) proof = &entry;
  }
  return proof;
}

}  // namespace

void Response::restore(Incident incident, const std::vector<OrderRow>& orders, Now now) {
  const std::string id = incident.id;
  Incident& kept = incidents_[id] = std::move(incident);
  auto course = std::make_shared<Course>(kept);
  course->restored = true;
  course->recall(orders, now);
  courses_[id] = std::move(course);
}

void Response::Course::recall(const std::vector<OrderRow>& orders, Now now) {
  for (const OrderRow& row : orders) recall_one(row, was_taken_back(orders, row.order.key), now);
  if (attempts_.size() > kMostAttempts) attempts_.erase(attempts_.begin(), attempts_.end() - kMostAttempts);
  order = orders.empty() ? Order{} : orders.back().order;
  if (incident.state == IncidentState::resolved) {
    phase = Phase::closed;
  } else if (!orders.empty() && !orders.back().outcome) {
    phase = order.undoes.empty() ? Phase::acting : Phase::undoing;
    if (phase == Phase::undoing) {
      undo = order;
      order.key = std::exchange(order.undoes, {});
    }
    incident.state = IncidentState::acting;
  } else if (incident.state == IncidentState::escalated) {
    phase = Phase::stopped;
  } else if (incident.state == IncidentState::verifying && !orders.empty() && order.undoes.empty() &&
             may_undo(orders.back().outcome->result)) {
    recall_proof(*orders.back().outcome, now);
  }
}

void Response::Course::recall_one(const OrderRow& row, bool taken_back, Now now) {
  const Order& one = row.order;
  if (!row.outcome || !one.undoes.empty()) return;
  const OutcomeResult result = row.outcome->result;
  if (one.plan.lasts > Duration{} && may_undo(result) && !taken_back && now.wall < one.issued_at + one.plan.lasts)
    begin_measure(one, now.mono - std::max(Duration{}, now.wall - one.issued_at));
  // Of one whose end is not known it was judged again, too.
  if (one.issued_at < round_began(incident) || (result != OutcomeResult::done && result != OutcomeResult::failed))
    return;
  tried.insert(one.step);
  attempts_.push_back({one.plan.what, row.outcome->text + (taken_back ? "; taken back" : "")});
}

void Response::Course::recall_proof(const Outcome& last, Now now) {
  if (const TimelineEntry* const proof = proof_of_last(incident); proof != nullptr) {
    phase = Phase::watching;
    deadline = now.mono + kWatch;
    proved_ = true;
    proved_text_ = proof->text;
    return;
  }
  phase = Phase::verifying;
  result_ = last.result;
  unsure_ = last.result != OutcomeResult::done;
  if (unsure_) return;
  tried.erase(order.step);
  if (!attempts_.empty()) attempts_.pop_back();
}

// The first moment after a restart. Nothing that was planned before is carried out.
void Response::Course::resume(const Surroundings& here) {
  restored = false;
  for (const TimelineEntry& entry : incident.timeline) {
    if (const std::string_view reason = fact(entry.attributes, "reason"); !reason.empty())
      told.insert(std::string(reason));
    if (entry.kind == TimelineKind::ordered)
      attempt = std::max(attempt, static_cast<int>(parse_u64(fact(entry.attributes, "attempt")).value_or(0)));
  }
  if (phase == Phase::acting || phase == Phase::undoing || phase == Phase::verifying) return resume_order(here);
  if (phase != Phase::judging) return;
  note(TimelineKind::note, "the daemon was restarted; judged again", here);
  const std::string before = std::exchange(order, {}).runbook;
  std::set<int> steps = std::exchange(tried, {});
  begin(here);
  if (runbook && runbook->name == before) tried = std::move(steps);
}

// An order that is still open waits for its outcome; one that was being proved has to be proved by what is seen now,
// for as long as it had at first.
void Response::Course::resume_order(const Surroundings& here) {
  constexpr Duration kAnswerLimit = std::chrono::minutes(2);
  for (const Runbook& known : here.runbooks)
    if (known.name == order.runbook) runbook = known;
  undo_sent_ = phase == Phase::undoing;
  acted_at_ = here.now.mono - std::max(Duration{}, here.now.wall - order.issued_at);
  const bool proving = phase == Phase::verifying;
  deadline = here.now.mono + (proving ? check().within : order.plan.timeout + kAnswerLimit);
  note(TimelineKind::note,
       proving ? "the daemon was restarted while the effect was being proved; it is proved anew"
               : "the daemon was restarted while order " + (undo ? undo->key : order.key) + " was under way",
       here);
}

}  // namespace hostmedic
