// SPDX-License-Identifier: Apache-2.0
// The course of treatment of incidents: plan, verdict, approval, order, verification, next step, escalation. A pure
// state machine: it sees time, the host and outcomes in its inputs and answers with commands that the pipeline
// carries out (and persists before any effect). Called from the pipeline's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.h"
#include "actions/guard/guard.h"
#include "actions/learn/experience.h"
#include "actions/runbook/conditions.h"
#include "actions/runbook/runbook.h"
#include "detect/model/state_codec.h"

namespace hostmedic {

struct Now {
  MonoTime mono;
  WallTime wall;
};

// What people do not want to hear of for a while: it is recorded, nobody is told, nothing is proposed or done.
struct Silence {
  WallTime until;
  std::string by, reason;
  std::string entity = "*", kind = "*";  // patterns over to_string(root) and the incident's kind
};

// What came of an action, as the response's experience has taken it in: to be kept over a restart.
struct Lesson {
  std::string fingerprint, kind, action;
  bool helped = false, supervised = false;  // see Experience::note
  WallTime at;
};

// What the pipeline must do next, in this order.
struct Command {
  enum class Kind : std::uint8_t {
    persist,   // the incident changed: write it, report it
    order,     // write `order` synced, then hand it to the actuator
    notify,    // a human is wanted: `text`
    learn,     // treating this root ended it, or did not: `worked`
    remember,  // `lesson`
    lease,     // `order` waits for the aggregator's leave only: ask for it, again while this is said
  };
  Kind kind{};
  std::string incident_id;
  Order order = {};
  std::string text = {};
  bool worked = false;
  Lesson lesson = {};
};

// A plan that waits for a human.
struct Proposal {
  std::string incident_id;
  Order order;
  WallTime expires_at;
  std::vector<Order> others = {};  // of the same runbook, which the human may choose instead
};

// Whom the response asks, within its own calls.
struct Sources {
  // The daemon's own view for the guard: halted, maintenance, history, target state from the host view.
  std::function<guard::Circumstances(const Order&)> circumstances;
  // An incident with the values of its signals as they are now; null: it is not known any more.
  std::function<const Incident*(const std::string& id)> detected;
  Conditions& conditions;
};

class Response {
 public:
  Response(std::vector<Runbook> runbooks, guard::Policy policy, Sources sources);

  // A new configuration; open treatments go on with the steps they have.
  void reconfigure(std::vector<Runbook> runbooks, guard::Policy policy);

  // In force from the next call on; replaces those before.
  void set_silences(std::vector<Silence> silences) { silences_ = std::move(silences); }

  // The incident as detection sees it now. New ones start a treatment; known ones take over detection's fields.
  std::vector<Command> observe(const Incident& detected, const HostView& host, Now now);
  // Once per frame: deadlines, holds that may have ended, verification.
  std::vector<Command> tick(const HostView& host, Now now);
  std::vector<Command> outcome(const Outcome& outcome, const HostView& host, Now now);
  // by: "uid 0 (root)". key: the order of the proposal that is meant; empty: the proposed one. An error says why not
  // (no such proposal, expired).
  Result<std::vector<Command>> approve(const std::string& incident_id, const std::string& by, const std::string& key,
                                       const HostView& host, Now now);
  Result<std::vector<Command>> reject(const std::string& incident_id, const std::string& by, const std::string& reason,
                                      Now now);
  // A human knows: nobody is told of it again until it opens anew. Error not_found: no such incident is open.
  Result<std::vector<Command>> acknowledge(const std::string& incident_id, const std::string& by,
                                           const std::string& reason, Now now);
  // After a restart of the daemon: an incident from the store, and its orders, oldest first. An order without outcome
  // is waited for; one that was being proved is proved anew; what was tried and did not help is not tried again, and
  // what is in force is remembered. Everything else is judged from the present state.
  void restore(Incident incident, const std::vector<OrderRow>& orders, Now now);

  // Incidents in treatment and those closed since the last forget, by id.
  const std::map<std::string, Incident>& incidents() const;
  std::vector<Proposal> proposals() const;
  // The earliest time at which a verification may be complete: a tick then proves it without waiting for a frame.
  std::optional<MonoTime> wake_at() const;
  // An order is under way, is being proved or is taken back.
  bool at_work() const;
  // Whether a measure of it still lasts, which ends by itself: its end belongs to its timeline.
  bool in_force(const std::string& incident_id) const;
  void forget(const std::string& incident_id);

  const Experience& experience() const { return experience_; }
  // As it was kept, before the first incident.
  void set_experience(std::vector<ExperienceRow> rows) { experience_.load(std::move(rows)); }

  // All of its state, for a snapshot between two calls; load_whole() is for a response of the same runbooks and policy.
  // What cannot be fails the reader, and the response is of no use then.
  void save_whole(detect::StateWriter& writer) const;
  void load_whole(detect::StateReader& reader);

 private:
  struct Course;  // course.h
  struct Batch;
  struct Surroundings;
  Surroundings surroundings(const HostView& host, Now now);

  std::vector<Runbook> runbooks_;
  guard::Policy policy_;
  Sources sources_;
  std::vector<Silence> silences_;
  Experience experience_;
  std::map<std::string, Incident> incidents_;
  std::map<std::string, std::shared_ptr<Course>> courses_;
};

}  // namespace hostmedic
