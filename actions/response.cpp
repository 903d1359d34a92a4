// SPDX-License-Identifier: Apache-2.0
#include "actions/response.h"

#include <algorithm>
#include <utility>

#include "actions/course.h"

namespace hostmedic {

std::vector<Command> Response::Batch::in_order() && {
  std::vector<Command> commands = std::move(persists);
  std::move(orders.begin(), orders.end(), std::back_inserter(commands));
  std::move(leases.begin(), leases.end(), std::back_inserter(commands));
  std::move(notices.begin(), notices.end(), std::back_inserter(commands));
  std::move(lessons.begin(), lessons.end(), std::back_inserter(commands));
  return commands;
}

Response::Response(std::vector<Runbook> runbooks, guard::Policy policy, Sources sources)
    : runbooks_(std::move(runbooks)), policy_(std::move(policy)), sources_(std::move(sources)) {}

Response::Surroundings Response::surroundings(const HostView& host, Now now) {
  return {runbooks_, policy_, sources_, silences_, experience_, host, now};
}

void Response::reconfigure(std::vector<Runbook> runbooks, guard::Policy policy) {
  runbooks_ = std::move(runbooks);
  policy_ = std::move(policy);
  for (auto& [id, course] : courses_) course->choose_again = true;
}

std::vector<Command> Response::observe(const Incident& detected, const HostView& host, Now now) {
  const Surroundings here = surroundings(host, now);
  std::shared_ptr<Course>& course = courses_[detected.id];
  if (course == nullptr) {
    Incident& incident = incidents_[detected.id] = detected;
    incident.timeline.clear();
    course = std::make_shared<Course>(incident);
    course->take(detected, here);
    course->begin(here);
  } else {
    course->take(detected, here);
  }
  course->advance(here);
  Batch batch;
  course->finish(batch);
  return std::move(batch).in_order();
}

std::vector<Command> Response::tick(const HostView& host, Now now) {
  const Surroundings here = surroundings(host, now);
  Batch batch;
  for (auto& [id, course] : courses_) {
    course->advance(here);
    course->finish(batch);
  }
  return std::move(batch).in_order();
}

std::vector<Command> Response::outcome(const Outcome& outcome, const HostView& host, Now now) {
  const Surroundings here = surroundings(host, now);
  Batch batch;
  for (auto& [id, course] : courses_) {
    const bool undo = course->undo && course->undo->key == outcome.key;
    if (outcome.key.empty() || (course->order.key != outcome.key && !undo)) continue;
    if (undo)
      course->undone(outcome, here);
    else
      course->learn(outcome, here);
    course->advance(here);
    course->finish(batch);
  }
  return std::move(batch).in_order();
}

Result<std::vector<Command>> Response::approve(const std::string& incident_id, const std::string& by,
                                               const std::string& key, const HostView& host, Now now) {
  const auto found = courses_.find(incident_id);
  if (found == courses_.end() || found->second->phase != Course::Phase::proposed)
    return make_error(ErrorCode::not_found, "no proposal waits for incident " + incident_id);
  Course& course = *found->second;
  if (now.mono >= course.deadline)
    return make_error(ErrorCode::conflict, "the proposal for incident " + incident_id + " has expired");
  if (!key.empty() && !course.choose(key))
    return make_error(ErrorCode::not_found, "the proposal for incident " + incident_id + " has no such plan now");
  const Surroundings here = surroundings(host, now);
  course.approve(by, here);
  course.advance(here);
  Batch batch;
  course.finish(batch);
  return std::move(batch).in_order();
}

Result<std::vector<Command>> Response::reject(const std::string& incident_id, const std::string& by,
                                              const std::string& reason, Now now) {
  const auto found = courses_.find(incident_id);
  if (found == courses_.end() || found->second->phase != Course::Phase::proposed)
    return make_error(ErrorCode::not_found, "no proposal waits for incident " + incident_id);
  static const HostView kNothing;  // a rejection looks at nothing
  Batch batch;
  found->second->reject(by, reason, surroundings(kNothing, now));
  found->second->finish(batch);
  return std::move(batch).in_order();
}

Result<std::vector<Command>> Response::acknowledge(const std::string& incident_id, const std::string& by,
                                                   const std::string& reason, Now now) {
  const auto found = courses_.find(incident_id);
  if (found == courses_.end() || found->second->phase == Course::Phase::closed)
    return make_error(ErrorCode::not_found, "no incident " + incident_id + " is open");
  static const HostView kNothing;
  Batch batch;
  found->second->acknowledge(by, reason, surroundings(kNothing, now));
  found->second->finish(batch);
  return std::move(batch).in_order();
}

const std::map<std::string, Incident>& Response::incidents() const { return incidents_; }

std::vector<Proposal> Response::proposals() const {
  std::vector<Proposal> waiting;
  for (const auto& [id, course] : courses_)
    if (course->phase == Course::Phase::proposed)
      waiting.push_back({id, course->order, course->proposal_expires_at, course->others});
  return waiting;
}

std::optional<MonoTime> Response::wake_at() const {
  std::optional<MonoTime> earliest;
  for (const auto& [id, course] : courses_) {
    if (course->phase != Course::Phase::verifying || !course->good_since) continue;
    const MonoTime at = *course->good_since + course->check().settle;
    if (!earliest || at < *earliest) earliest = at;
  }
  return earliest;
}

bool Response::at_work() const {
  using enum Course::Phase;
  return std::ranges::any_of(courses_, [](const auto& one) {
    const Course::Phase phase = one.second->phase;
    return phase == acting || phase == verifying || phase == undoing;
  });
}

bool Response::in_force(const std::string& incident_id) const {
  const auto found = courses_.find(incident_id);
  return found != courses_.end() && !found->second->in_force.empty();
}

void Response::forget(const std::string& incident_id) {
  courses_.erase(incident_id);
  incidents_.erase(incident_id);
}

}  // namespace hostmedic
