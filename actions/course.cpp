// SPDX-License-Identifier: Apache-2.0
// The life of a course: its phases, what it takes over from detection, and how it ends. From plan to order:
// course_plan.cpp. From outcome to proof: course_verify.cpp.
#include "actions/course.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

bool from_detection(TimelineKind kind) {
  return kind == TimelineKind::opened || kind == TimelineKind::evidence || kind == TimelineKind::diagnosed ||
         kind == TimelineKind::cleared;
}

// What makes detection's new view worth a report. Numbers that move with every frame do not.
std::string digest(const Incident& incident) {
  std::string text = strf("%d %d %d %d %d %d ", incident.active, static_cast<int>(incident.severity), incident.signals,
                          incident.proof, incident.suspicion, incident.flaps) +
                     incident.kind + incident.part_of;
  for (const Anomaly& anomaly : incident.anomalies) text += "|" + anomaly.rule + (anomaly.firing ? "+" : "-");
  for (const Entity& cause : incident.causes) text += "|" + to_string(cause);
  for (const Affected& one : incident.affected) text += "|" + to_string(one.entity);
  return text;
}

}  // namespace

bool still_fires(const Incident& incident) {
  return incident.active &&
         (incident.anomalies.empty() || std::any_of(incident.anomalies.begin(), incident.anomalies.end(),
                                                    [](const Anomaly& anomaly) { return anomaly.firing; }));
}

void Response::Course::note(TimelineKind kind, std::string text, const Surroundings& here,
                            std::vector<Attribute> attributes) {
  add_timeline(incident, here.now.wall, kind, std::move(text), std::move(attributes));
  changed_ = true;
}

// Whom it is kept from is told when it goes on.
void Response::Course::tell(const std::string& reason, const std::string& text, const Surroundings& here) {
  if (!incident.acknowledged_by.empty() || silenced(here) != nullptr) return;
  if (told.insert(reason).second) notices_.push_back(text);
}

void Response::Course::set_state(IncidentState state) {
  changed_ = changed_ || incident.state != state;
  incident.state = state;
}

bool Response::Course::stuck_for(Duration most, const Surroundings& here) {
  if (!stuck_since_) stuck_since_ = here.now.mono;
  return here.now.mono - *stuck_since_ >= most;
}

void Response::Course::new_round() {
  tried.clear();
  planned_.clear();
  judged_.clear();
  stuck_since_.reset();
  approved_by_.clear();
  unmet_.clear();
  refusals_ = unknown_ends_ = 0;
}

const Silence* Response::Course::silenced(const Surroundings& here) const {
  for (const Silence& silence : here.silences)
    if (here.now.wall < silence.until && glob_match(silence.entity, to_string(incident.root)) &&
        glob_match(silence.kind, incident.kind))
      return &silence;
  return nullptr;
}

// True while it is silenced. An order under way is seen to its end first; a proposal is withdrawn.
bool Response::Course::hush(const Surroundings& here) {
  const bool treated =
      phase == Phase::acting || phase == Phase::verifying || phase == Phase::undoing || phase == Phase::watching;
  if (treated || !incident.active) return false;
  const bool before = incident.state == IncidentState::suppressed;
  if (const Silence* silence = silenced(here)) {
    if (phase != Phase::stopped) phase = Phase::judging;
    if (before) return true;
    set_state(IncidentState::suppressed);
    note(TimelineKind::human,
         "silenced by " + silence->by + " until " + format_utc(silence->until) +
             (silence->reason.empty() ? "" : ": " + silence->reason),
         here);
    return true;
  }
  if (!before) return false;
  told.clear();  // the silence may have kept back what was said before it
  note(TimelineKind::note, "the silence is over", here);
  if (phase == Phase::stopped) {
    set_state(IncidentState::escalated);
    tell("silence-over", to_string(incident.root) + " still needs a human: " + incident.summary, here);
  } else {
    set_state(IncidentState::open);
    begin(here);
  }
  return false;
}

void Response::Course::acknowledge(const std::string& by, const std::string& reason, const Surroundings& here) {
  incident.acknowledged_by = by;
  note(TimelineKind::human, "acknowledged by " + by + (reason.empty() ? "" : ": " + reason), here);
}

void Response::Course::begin(const Surroundings& here) {
  if (hush(here)) return;
  choose_again = false;
  order = Order{};
  const Runbook* chosen = choose_runbook(here.runbooks, incident, here.sources.conditions);
  new_round();
  if (chosen != nullptr) {
    runbook = *chosen;
    phase = Phase::judging;
    set_state(IncidentState::open);
    return;
  }
  runbook.reset();
  phase = Phase::untreated;
  std::string when;
  for (const Runbook& one : here.runbooks)
    if (fits(one, incident))
      when += (when.empty() ? "; " : ", ") + one.name + " only when " +
              here.sources.conditions.explain(one.when, incident.root);
  may_come_ = !when.empty();
  const std::string text = "no runbook treats " + incident.kind + " on " + to_string(incident.root) + when;
  if (!may_come_ && incident.severity >= Severity::error && !incident.suspicion) {
    escalate("no-runbook", text, here);
    phase = Phase::untreated;
  } else {
    note(TimelineKind::note, text, here);
  }
}

// What a runbook asks for may come to hold.
void Response::Course::look_again(const Surroundings& here) {
  const bool again = may_come_ || choose_again;
  choose_again = false;
  if (!again) return;
  if (choose_runbook(here.runbooks, incident, here.sources.conditions) != nullptr) return begin(here);
  const bool grave = incident.severity >= Severity::error && !incident.suspicion;
  if (!may_come_ || !grave || told.contains("no-runbook") || !stuck_for(kPlanPatience, here)) return;
  escalate("no-runbook",
           "what its runbooks ask for did not come to hold in " + format_duration(kPlanPatience) + " on " +
               to_string(incident.root),
           here);
  phase = Phase::untreated;
}

void Response::Course::take(const Incident& detected, const Surroundings& here) {
  if (restored) resume(here);
  const std::string before = digest(incident);
  const std::string kind = incident.kind;
  const bool suspected = incident.suspicion;
  Incident merged = detected;
  merged.state = incident.state;
  merged.revision = incident.revision;
  merged.closed_at = incident.closed_at;
  merged.acknowledged_by = incident.acknowledged_by;
  merged.timeline = std::move(incident.timeline);
  incident = std::move(merged);
  for (; detection_entries_ < detected.timeline.size(); ++detection_entries_) {
    const TimelineEntry& entry = detected.timeline[detection_entries_];
    const bool known = std::any_of(incident.timeline.begin(), incident.timeline.end(), [&](const TimelineEntry& own) {
      return own.at == entry.at && own.kind == entry.kind && own.text == entry.text;
    });
    if (known || !from_detection(entry.kind)) continue;
    add_timeline(incident, entry.at, entry.kind, entry.text, entry.attributes);
    changed_ = true;
  }
  changed_ = changed_ || digest(incident) != before;
  const bool undecided = phase == Phase::judging || phase == Phase::proposed || phase == Phase::untreated;
  if (phase == Phase::closed && still_fires(incident)) {
    reopen(here);
  } else if (undecided && (incident.kind != kind || suspected != incident.suspicion)) {
    begin(here);
  }
}

void Response::Course::reopen(const Surroundings& here) {
  incident.closed_at.reset();
  incident.acknowledged_by.clear();
  proved_ = false;
  note(TimelineKind::note, "opened again: the signals fire again", here);
  set_state(IncidentState::open);
  begin(here);
}

void Response::Course::advance(const Surroundings& here) {
  if (restored) resume(here);
  constexpr int kMostSteps = 8;  // one call may go from a failed proof to the next order, never round and round
  for (int i = 0; i < kMostSteps; ++i) {
    const Phase before = phase;
    step_once(here);
    if (phase == before) return;
  }
}

void Response::Course::step_once(const Surroundings& here) {
  end_measures(here);
  if (hush(here)) return;
  const bool late = here.now.mono >= deadline;
  const bool under_way = phase == Phase::acting || phase == Phase::verifying || phase == Phase::undoing;
  if (!incident.part_of.empty() && !under_way && phase != Phase::closed)
    return close("it is part of incident " + incident.part_of, here);
  switch (phase) {
    case Phase::untreated:
      if (!incident.active) return close("the signals are quiet again; nothing was done", here);
      return look_again(here);
    case Phase::judging:
      if (incident.active) return treat(here);
      return close(attempt == 0 ? "recovered by itself; nothing was done" : "the signals are quiet again", here);
    case Phase::proposed:
      if (!incident.active) return close("recovered by itself before the proposal was answered", here);
      if (late)
        escalate("no-answer",
                 "nobody answered the proposal in " + format_duration(kProposalLife) + ": " + order.plan.what, here);
      return;
    case Phase::acting: {
      if (!late) return;
      Outcome lost;
      lost.key = order.key;
      lost.result = OutcomeResult::interrupted;
      lost.text = "the actuator gave no answer in time; what it did is not known";
      return learn(lost, here);
    }
    case Phase::verifying: return verify(here);
    case Phase::undoing: return take_back(here);
    case Phase::watching:
      if (!still_fires(incident) && incident.flapping) return;  // it stays open until it is quiet for long
      if (!still_fires(incident)) return close(proved_ ? proved_text_ : "recovered by itself", here);
      if (!late) return;
      note(TimelineKind::note, "the signals still fire", here);
      set_state(IncidentState::open);
      new_round();
      phase = Phase::judging;
      return;
    case Phase::stopped:
      if (!incident.active) close("the signals are quiet again", here);
      return;
    case Phase::closed: return;
  }
}

// Whoever is called finds here what was tried, with what came of it, and what the runbook says to a human.
void Response::Course::escalate(const std::string& reason, const std::string& text, const Surroundings& here) {
  phase = Phase::stopped;
  std::string whole = text;
  if (!order.plan.what.empty() && text.find(order.plan.what) == std::string::npos)
    whole += "; the plan: " + order.plan.what;
  if (!incident.causes.empty()) whole += "; the cause: " + to_string(incident.causes.front());
  if (attempt > 0) worked_ = false;
  set_state(IncidentState::escalated);
  std::vector<Attribute> context{{"reason", reason}};
  for (std::size_t i = 0; i < attempts_.size(); ++i)
    context.push_back(
        {strf("tried.%zu", i + 1), printable(attempts_[i].what + ": " + attempts_[i].result, kMostAttributeValue)});
  for (const InForce& one : in_force) context.push_back({"in_force", printable(one.what, kMostAttributeValue)});
  if (runbook && !runbook->notes.empty()) context.push_back({"next", printable(runbook->notes, kMostAttributeValue)});
  note(TimelineKind::escalated, whole, here, std::move(context));
  const std::string tried_before =
      attempts_.size() > 1 ? strf(" (%zu steps were tried)", attempts_.size()) : std::string();
  tell(reason, to_string(incident.root) + " needs a human: " + whole + tried_before, here);
}

void Response::Course::close(const std::string& text, const Surroundings& here) {
  phase = Phase::closed;
  approved_by_.clear();
  approved_until_.reset();
  incident.closed_at = here.now.wall;
  if (proved_) worked_ = true;
  attempts_.clear();
  set_state(IncidentState::resolved);
  if (in_force.empty()) return note(TimelineKind::resolved, text, here);
  const Duration left = in_force.back().until - here.now.mono;
  note(TimelineKind::resolved,
       text + "; a measure stays in force for another " + format_duration(left) + ": " + in_force.back().what, here,
       {{"in_force_until", format_utc(here.now.wall + left)}});
}

void Response::Course::begin_measure(const Order& by, MonoTime since) {
  constexpr std::size_t kMostMeasures = 8;
  if (in_force.size() == kMostMeasures) in_force.erase(in_force.begin());
  in_force.push_back({by.key, by.plan.what, by.plan.lasts, since + by.plan.lasts});
  std::ranges::sort(in_force, {}, &InForce::until);
}

void Response::Course::end_measures(const Surroundings& here) {
  while (!in_force.empty() && here.now.mono >= in_force.front().until) {
    const InForce ended = std::move(in_force.front());
    in_force.erase(in_force.begin());
    note(TimelineKind::undone, "the measure ended by itself after " + format_duration(ended.lasts) + ": " + ended.what,
         here, {{"order", ended.key}});
  }
}

void Response::Course::finish(Batch& batch) {
  if (changed_) {
    ++incident.revision;
    batch.persists.push_back({.kind = Command::Kind::persist, .incident_id = incident.id});
  }
  if (order_out_)
    batch.orders.push_back({.kind = Command::Kind::order, .incident_id = incident.id, .order = std::move(*order_out_)});
  if (lease_out_) batch.leases.push_back({.kind = Command::Kind::lease, .incident_id = incident.id, .order = order});
  for (std::string& text : notices_)
    batch.notices.push_back({.kind = Command::Kind::notify, .incident_id = incident.id, .text = std::move(text)});
  if (worked_) batch.lessons.push_back({.kind = Command::Kind::learn, .incident_id = incident.id, .worked = *worked_});
  for (Lesson& lesson : lessons_)
    batch.lessons.push_back({.kind = Command::Kind::remember, .incident_id = incident.id, .lesson = std::move(lesson)});
  changed_ = false;
  worked_.reset();
  order_out_.reset();
  lease_out_ = false;
  notices_.clear();
  lessons_.clear();
}

}  // namespace hostmedic
