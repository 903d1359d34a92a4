// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/pipeline.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/pipeline/tape.h"
#include "detect/correlate/entity_graph.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

std::string_view find_fact(const std::vector<Attribute>& facts, std::string_view key) {
  for (const Attribute& fact : facts)
    if (fact.key == key) return fact.value;
  return {};
}

// To start a unit is all that the action does, so that one that runs needs nothing of it.
bool only_starts(const Plan& plan) {
  return (plan.action == "service.restart" && plan.get("active") != "restart") || plan.action == "service.start";
}

// The daemon's own idea of the target, from what the probe last said. The actuator asks the host itself again.
guard::TargetState target_state(const Plan& plan, const HostView& host, std::string& ret_text) {
  const Entity& target = plan.target;
  if (!host.find(target)) {
    ret_text = to_string(target) + " is not reported by the probe";
    return guard::TargetState::unknown;
  }
  if (target.kind != EntityKind::service) {
    ret_text = to_string(target) + " is there";
    return guard::TargetState::faulty;
  }
  const auto& facts = host.unit_facts(target);
  const std::string_view active = find_fact(facts, attr::kUnitActiveState);
  const std::string_view sub = find_fact(facts, attr::kUnitSubState);
  ret_text = target.name + " is " + std::string(active.empty() ? "unknown" : active);
  if (!sub.empty()) ret_text += " (" + std::string(sub) + ")";
  if (active == "failed") return guard::TargetState::faulty;
  if (active == "active") return only_starts(plan) ? guard::TargetState::recovered : guard::TargetState::faulty;
  if (active == "activating" || active == "deactivating" || active == "reloading") return guard::TargetState::changing;
  if (active == "inactive") return guard::TargetState::gone;
  return guard::TargetState::unknown;
}

// What depends on it and what it depends on.
std::vector<Entity> around(const detect::EntityGraph& graph, const Entity& target) {
  constexpr std::size_t kMost = 64;
  std::vector<Entity> related;
  for (const detect::Path& path : graph.dependents(target, kMost)) related.push_back(path.entities.front());
  for (const detect::Path& path : graph.dependencies(target, kMost)) related.push_back(path.entities.back());
  return related;
}

bool among(const std::vector<Entity>& entities, const Entity& one) {
  return std::find(entities.begin(), entities.end(), one) != entities.end();
}

// The order of another incident that explains this one: given not long before its fault began, on its root or on what
// hangs together with it.
std::string self_inflicted(const Incident& incident, const detect::EntityGraph& graph,
                           const std::vector<guard::PastAction>& history, WallTime now) {
  constexpr Duration kStir = std::chrono::minutes(1);       // so long what was done may be felt
  constexpr Duration kMostWait = std::chrono::minutes(10);  // for an answer; then it is not waited for any more
  std::optional<std::vector<Entity>> related;
  for (auto past = history.rbegin(); past != history.rend(); ++past) {
    if (past->incident_id.empty() || past->incident_id == incident.id) continue;
    if (now - past->at >= (past->finished ? kStir : kMostWait) || past->at >= incident.fault_at) continue;
    if (past->finished && past->result == OutcomeResult::refused) continue;
    if (past->target != incident.root) {
      if (!related) related = around(graph, incident.root);
      if (!among(*related, past->target)) continue;
    }
    return past->action + " on " + to_string(past->target) + " of incident " + past->incident_id + ", " +
           format_duration(incident.fault_at - past->at) + " before it began";
  }
  return {};
}

}  // namespace

Pipeline::Pipeline(std::unique_ptr<detect::Engine> engine, std::vector<Runbook> runbooks, guard::Policy policy,
                   PipelineOutput& output)
    : engine_(std::move(engine)),
      runbooks_(std::move(runbooks)),
      policy_(std::move(policy)),
      output_(output),
      response_(runbooks_, policy_,
                {.circumstances = [this](const Order& order) { return circumstances(order); },
                 .detected = [this](const std::string& id) { return detected(id); },
                 .conditions = conditions_}) {
  conditions_.follow(engine_->host(), engine_->stage());
}

void Pipeline::frame(const Frame& frame) {
  if (tape_ != nullptr) tape_->frame(frame);
  ++frames_;
  now_ = {frame.mono, frame.wall};
  note_probe_events(frame);
  const std::uint64_t ignored = engine_->ignored_frames();
  const detect::Changes& changes = engine_->step(frame);
  if (engine_->ignored_frames() == ignored) conditions_.frame(frame);
  observe(changes.opened, now_);
  observe(changes.updated, now_);
  observe(changes.cleared, now_);
  run(response_.tick(engine_->host(), now_));
  tell_due();
  forget_closed(now_);
}

void Pipeline::set_brakes(Brakes brakes) {
  if (tape_ != nullptr) tape_->input(BrakesInput{brakes});
  brakes_ = std::move(brakes);
  response_.set_silences(brakes_.silences);
  hold_learning();
}

void Pipeline::set_expected(std::vector<detect::ExpectedEntry> entries) {
  if (tape_ != nullptr) tape_->input(ExpectedInput{entries});
  expected_ = std::move(entries);
  engine_->set_expected(expected_);
}

void Pipeline::set_feedback(std::vector<Feedback> all) {
  if (tape_ != nullptr) tape_->input(FeedbackInput{all});
  feedback_ = std::move(all);
  engine_->set_feedback(feedback_);
}

void Pipeline::hold_learning() {
  std::vector<detect::LearningHold> holds;
  for (const guard::Maintenance& window : brakes_.maintenance) holds.push_back({window.entity, window.until});
  engine_->hold_learning(std::move(holds));
}

void Pipeline::tick(Now now) {
  if (tape_ != nullptr) tape_->input(TickInput{now});
  now_ = now;
  run(response_.tick(engine_->host(), now_));
  tell_due();
}

void Pipeline::silence(Now now) {
  if (tape_ != nullptr) tape_->input(SilenceInput{now});
  now_ = now;
  conditions_.silence();
  static const HostView unknown_host;
  run(response_.tick(unknown_host, now_));
  tell_due();
}

void Pipeline::observe(const std::vector<std::string>& ids, Now now) {
  for (const std::string& id : ids) {
    const auto found = engine_->incidents().find(id);
    if (found != engine_->incidents().end()) run(response_.observe(found->second, engine_->host(), now));
  }
}

void Pipeline::outcome(const Outcome& outcome, Now now) {
  if (tape_ != nullptr) tape_->input(OutcomeInput{outcome, now});
  now_ = now;
  for (guard::PastAction& past : history_) {
    if (past.key != outcome.key) continue;
    past.finished = true;
    past.result = outcome.result;
  }
  run(response_.outcome(outcome, engine_->host(), now));
}

void Pipeline::lease(const LeaseAnswer& answer, Now now) {
  if (tape_ != nullptr) tape_->input(LeaseInput{answer, now});
  now_ = now;
  lease_ = Lease{answer.granted, answer.text, now.mono + (answer.granted ? answer.lasts : kRefusalCounts)};
  run(response_.tick(engine_->host(), now_));
}

const Incident* Pipeline::detected(const std::string& id) const {
  const auto found = engine_->incidents().find(id);
  return found == engine_->incidents().end() ? nullptr : &found->second;
}

// On a copy of the conditions: what is asked of those at work begins to look back in time, and the response would see
// that.
Rehearsal Pipeline::rehearse(const Runbook& runbook, const Incident& incident) const {
  ConditionWatch copy;
  copy.follow(engine_->host(), engine_->stage());
  detect::StateWriter writer;
  conditions_.save_whole(writer);
  detect::Literals none;
  detect::StateReader reader = detect::StateReader::exact(writer.bytes(), none);
  copy.load_whole(reader);
  const Sources sources{.circumstances = [this](const Order& order) { return circumstances(order); },
                        .detected = [this](const std::string& id) { return detected(id); },
                        .conditions = copy};
  return hostmedic::rehearse(runbook, incident, engine_->host(), now_, policy_, sources, response_.experience());
}

Status Pipeline::approve(const std::string& incident_id, const std::string& by, const std::string& key, Now now) {
  if (tape_ != nullptr) tape_->input(ApproveInput{incident_id, by, key, now});
  now_ = now;
  auto commands = response_.approve(incident_id, by, key, engine_->host(), now);
  if (!commands) return std::move(commands).error();
  run(*commands);
  return ok();
}

Status Pipeline::reject(const std::string& incident_id, const std::string& by, const std::string& reason, Now now) {
  if (tape_ != nullptr) tape_->input(RejectInput{incident_id, by, reason, now});
  now_ = now;
  auto commands = response_.reject(incident_id, by, reason, now);
  if (!commands) return std::move(commands).error();
  run(*commands);
  return ok();
}

Status Pipeline::acknowledge(const std::string& incident_id, const std::string& by, const std::string& reason,
                             Now now) {
  if (tape_ != nullptr) tape_->input(AcknowledgeInput{incident_id, by, reason, now});
  now_ = now;
  auto commands = response_.acknowledge(incident_id, by, reason, now);
  if (!commands) return std::move(commands).error();
  run(*commands);
  return ok();
}

std::size_t Pipeline::relearn(std::string_view entity_pattern) {
  if (tape_ != nullptr) tape_->input(RelearnInput{std::string(entity_pattern)});
  return engine_->relearn(entity_pattern);
}

void Pipeline::restore(Incident incident, const std::vector<OrderRow>& orders, Now now) {
  engine_->adopt(incident);
  response_.restore(std::move(incident), orders, now);
}

void Pipeline::reconfigure(std::unique_ptr<detect::Engine> engine, std::vector<Runbook> runbooks,
                           guard::Policy policy) {
  if (engine != nullptr) {
    for (const auto& [id, incident] : response_.incidents())
      if (!incident.closed_at) engine->adopt(incident);
    if (auto learnt = engine_->checkpoint()) (void)engine->restore(*learnt);  // else it learns anew
    engine_ = std::move(engine);
    conditions_.follow(engine_->host(), engine_->stage());
    hold_learning();
    engine_->set_expected(expected_);
    engine_->set_feedback(feedback_);
  }
  runbooks_ = std::move(runbooks);
  policy_ = std::move(policy);
  response_.reconfigure(runbooks_, policy_);
  if (tape_ != nullptr) tape_->reconfigured();
}

void Pipeline::run(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    const auto incident = response_.incidents().find(command.incident_id);
    switch (command.kind) {
      case Command::Kind::persist:
        if (incident == response_.incidents().end()) break;
        if (tape_ != nullptr) tape_->persist(incident->second);
        output_.persist(incident->second);
        break;
      case Command::Kind::order:
        if (history_.size() >= kMostHistory) history_.erase(history_.begin());
        history_.push_back({.key = command.order.key,
                            .target = command.order.plan.target,
                            .runbook = command.order.runbook,
                            .action = command.order.plan.action,
                            .at = command.order.issued_at,
                            .undoes = command.order.undoes,
                            .incident_id = command.order.incident_id});
        if (tape_ != nullptr) tape_->submit(command.order);
        output_.submit(command.order);
        break;
      case Command::Kind::notify:
        if (notices_.size() < kMostNotices)
          notices_.push_back({command.incident_id, command.text, now_.mono + kNoticeHold});
        break;
      case Command::Kind::learn:
        if (incident != response_.incidents().end()) engine_->learn(incident->second.root, command.worked);
        break;
      case Command::Kind::lease: output_.ask_lease(command.order); break;
      case Command::Kind::remember: output_.remember(command.lesson); break;
    }
  }
}

// What turned out to be a part of another fault, ended, or was silenced or acknowledged meanwhile, wakes nobody.
void Pipeline::tell_due() {
  while (!notices_.empty() && notices_.front().due <= now_.mono) {
    const Notice notice = std::move(notices_.front());
    notices_.erase(notices_.begin());
    const auto incident = response_.incidents().find(notice.incident_id);
    if (incident == response_.incidents().end() || incident->second.closed_at) continue;
    if (incident->second.state == IncidentState::suppressed || !incident->second.acknowledged_by.empty()) continue;
    if (tape_ != nullptr) tape_->notify(incident->second, notice.text);
    output_.notify(incident->second, notice.text);
  }
}

void Pipeline::note_probe_events(const Frame& frame) {
  for (const Event& event : frame.events) {
    if (event.kind != EventKind::probe_state) continue;
    ProbeStatus& status = probes_[std::string(event.get(attr::kProbeName))];
    status.state = event.get(attr::kProbeState);
    status.reason = event.get(attr::kProbeReason);
    status.attributes = event.attributes;
    status.since = frame.wall;
  }
}

void Pipeline::forget_closed(Now now) {
  std::vector<std::string> old;
  for (const auto& [id, incident] : response_.incidents())
    if (incident.closed_at && !incident.active && now.wall - *incident.closed_at > kKeepClosed &&
        !response_.in_force(id))
      old.push_back(id);
  for (const std::string& id : old) {
    engine_->forget(id);
    response_.forget(id);
  }
}

guard::Circumstances Pipeline::circumstances(const Order& order) const {
  const HostView& host = engine_->host();
  guard::Circumstances now;
  now.now = now_.wall;
  now.uptime = now_.mono.time_since_epoch();
  now.halted = brakes_.halted;
  now.halted_by = brakes_.halted_by;
  now.maintenance = brakes_.maintenance;
  now.target = target_state(order.plan, host, now.target_text);
  // restarts_seen stays 0 here: systemd's counter has no time in it. A crash loop is an incident of its own kind, which
  // no runbook restarts, and the actuator counts restarts with the unit's own times.
  now.approved_by = order.approved_by;
  if (lease_ && now_.mono < lease_->until) {
    now.lease = lease_->granted ? guard::Lease::granted : guard::Lease::refused;
    now.lease_text = lease_->text;
  }
  now.storm = engine_->storming() || engine_->gathering();
  now.recent_change = engine_->recent_change(order.plan.target);
  now.history = history_;
  const auto open = [](const guard::PastAction& past) { return !past.finished; };
  if (std::any_of(history_.begin(), history_.end(), open)) now.related = around(engine_->graph(), order.plan.target);
  if (const auto incident = response_.incidents().find(order.incident_id); incident != response_.incidents().end())
    now.self_inflicted = self_inflicted(incident->second, engine_->graph(), history_, now.now);
  host.each_entity(
      [&](const Entity& entity) { now.entities_of_kind += entity.kind == order.plan.target.kind ? 1 : 0; });
  return now;
}

}  // namespace hostmedic
