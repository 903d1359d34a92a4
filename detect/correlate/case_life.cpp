// SPDX-License-Identifier: Apache-2.0
// The life of incidents: what opens, joins another, flaps, ends.
#include <algorithm>

#include "agent/base/text.h"
#include "detect/correlate/case_book.h"
#include "detect/correlate/explain.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kMostIncidents = 1024;
constexpr Duration kRefresh = std::chrono::seconds(1);
// A service that fails loses its cgroup, a device may be plugged in again: what is retired gets this long to return.
constexpr Duration kReturns = std::chrono::seconds(10);
constexpr Duration kListed = std::chrono::seconds(30);  // for all units of the list to be told
// What suffered of a fault that ended gets this long to recover before it counts as a fault of its own: windows of
// rules and pools of connections take a while.
constexpr Duration kRecovers = std::chrono::minutes(2);
// An incident this young may still turn out to be the consequence of another.
constexpr Duration kYoung = std::chrono::minutes(2);
// Three relapses in half an hour are flapping; it is over when nothing was seen for five minutes.
constexpr std::size_t kFlaps = 3;
constexpr Duration kFlapWindow = std::chrono::minutes(30), kFlapQuiet = std::chrono::minutes(5);
const Entity kHost{EntityKind::host, {}};

}  // namespace

void CaseBook::settle(Root& root) {
  if (root.adopted && !root.adopted_until) root.adopted_until = now_ + times_.adopted_quiet_after;
  const bool denied = root.adopted && now_ >= *root.adopted_until;
  for (Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    const bool expired =
        rule.expires > Duration::zero() && signal.phase == SignalPhase::firing && now_ - signal.last >= rule.expires;
    const bool cooled =
        rule.is_event() && signal.phase == SignalPhase::cooling && now_ - signal.changed >= rule.quiet_after;
    const bool unclaimed = denied && signal.phase == SignalPhase::firing && signal.stale && !signal.bound;
    const bool removed = signal.gone && signal.phase == SignalPhase::firing && now_ - *signal.gone >= kReturns;
    // A unit that is not told of in the list of those that are not at rest is at rest.
    const bool unlisted = rule.is_event() && rule.source == to_string(EventKind::unit_state) && signal.stale &&
                          listed_ && now_ - *listed_ >= kListed;
    if (!expired && !cooled && !unclaimed && !removed && !unlisted) continue;
    if (removed) signal.evidence += "; then it was removed";
    signal.phase = SignalPhase::settled;
    signal.stale = false;
    root.changed = true;
  }
  if (denied) root.adopted = false;
}

// Something fires now that may open an incident, or make one active again.
bool CaseBook::opens_now(const Root& root) const {
  return std::ranges::any_of(root.signals, [&](const Signal& signal) {
    const SignalRule& rule = rules_[signal.rule];
    return rule.opens && signal.phase == SignalPhase::firing && !signal.stale &&
           now_ - signal.started >= signal.open_after;
  });
}

// Something that may open is not yet proved quiet.
bool CaseBook::holds(const Root& root) const {
  return root.adopted || std::ranges::any_of(root.signals, [&](const Signal& signal) {
           return rules_[signal.rule].opens && signal.phase != SignalPhase::settled;
         });
}

bool CaseBook::is_idle(const Root& root) const {
  return std::ranges::all_of(root.signals, [](const Signal& signal) { return signal.phase == SignalPhase::settled; });
}

void CaseBook::end(const HostView& host, Changes& ret_changes) {
  graph_.age(now_);
  changes_.age(now_);
  for (auto& [entity, root] : roots_) settle(root);
  weather();
  ready_.clear();
  for (auto it = roots_.begin(); it != roots_.end();) {
    auto& [entity, root] = *it;
    if (incidents_.contains(root.incident)) {
      keep_up(entity, root, host, ret_changes);
    } else {
      root.incident.clear();
      follow(root);
      if (root.joined.empty() && opens_now(root)) ready_.push_back(&*it);
      if (is_idle(root)) {
        it = roots_.erase(it);
        continue;
      }
    }
    ++it;
  }
  open_all(host, ret_changes);
  for (auto& [entity, root] : roots_) {
    if (news_ && root.refreshed != now_ && active_incident(entity) != nullptr)
      update(entity, root, host, false, ret_changes);
    root.changed = false;
  }
}

// Begins and ends the storm: it is a signal of the host like others, which stands for all of them.
void CaseBook::weather() {
  const auto rule = static_cast<std::uint32_t>(rules_.size() - 1);
  const auto swept = std::ranges::count_if(roots_, [](const RootPlace& place) { return !place.second.joined.empty(); });
  const bool raging = storm_.raging(now_);
  if (!raging && !(storming_ && swept >= static_cast<std::ptrdiff_t>(StormWatch::kMostOpenings))) {
    if (storming_) clear_event(rule, kHost);
    storming_ = false;
    return;
  }
  Finding finding;
  finding.state = State::firing;
  finding.probability = 1;
  finding.since = now_;
  tell(rule, kHost,
       strf("%zu anomalies began within %s on %zu entities: no single cause can be told", storm_.recent(now_),
            format_duration(StormWatch::kWindow).c_str(), roots_.size() - 1),
       finding);
  Root& root = roots_[kHost];
  const auto known = incidents_.find(root.incident);
  // What the host had before is part of it.
  if (!storming_ && known != incidents_.end() && known->second.kind != kSystemic) root.incident.clear();
  storming_ = true;
}

// The causes first, so that what they explain finds them open.
void CaseBook::open_all(const HostView& host, Changes& ret_changes) {
  constexpr std::size_t kMostCompared = 16;
  if (ready_.size() > 1 && ready_.size() <= kMostCompared) {
    std::vector<std::pair<std::size_t, RootPlace*>> order;
    for (RootPlace* one : ready_) {
      const auto below = std::ranges::count_if(
          ready_, [&](const RootPlace* other) { return graph_.path(one->first, other->first).has_value(); });
      order.emplace_back(static_cast<std::size_t>(below), one);
    }
    std::ranges::stable_sort(order, {}, &std::pair<std::size_t, RootPlace*>::first);
    std::ranges::transform(order, ready_.begin(), &std::pair<std::size_t, RootPlace*>::second);
  }
  const auto storm =
      std::ranges::find_if(ready_, [&](const RootPlace* one) { return storming_ && one->first == kHost; });
  if (storm != ready_.end()) std::rotate(ready_.begin(), storm, storm + 1);
  for (RootPlace* place : ready_) {
    if (!storming_ && storm_.raging(now_)) return;  // the next frame opens one for all that are left
    auto& [entity, root] = *place;
    if (const Incident* other = explanation(entity, root); other != nullptr) {
      subsume(entity, root, *other);
    } else {
      if (rules_[lead(root)->rule].id != kStormRule) storm_.opening(now_);
      open(entity, root, host, ret_changes);
    }
  }
}

void CaseBook::keep_up(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  if (!incident.active) {
    if (opens_now(root)) reactivate(entity, root, host, ret_changes);
    return;
  }
  if (holds(root)) {
    if (root.quiet && opens_now(root)) {
      count_relapse(root, incident);
      root.changed = true;
      root.quiet.reset();
    }
  } else {
    if (!root.quiet) root.quiet = now_;
    if (!incident.flapping || now_ - *root.quiet >= kFlapQuiet) return close(root, ret_changes);
  }
  if (root.changed || now_ - root.refreshed >= kRefresh) update(entity, root, host, root.changed, ret_changes);
}

// A root that another one's incident explains: as long as that lasts, and until it had time to recover.
void CaseBook::follow(Root& root) {
  if (root.joined.empty()) return;
  const auto explanation = incidents_.find(root.joined);
  const bool lasts = explanation != incidents_.end() && explanation->second.active;
  if (lasts) {
    root.orphaned.reset();
  } else if (!root.orphaned) {
    root.orphaned = now_;
  }
  if (!is_idle(root) && (lasts || now_ - *root.orphaned < kRecovers)) return;
  root.joined.clear();
  root.orphaned.reset();
  news_ = true;
}

void CaseBook::subsume(const Entity& entity, Root& root, const Incident& explanation) {
  root.joined = explanation.id;
  news_ = true;
  Incident& known = incidents_.at(explanation.id);
  const Signal* strongest = lead(root);
  if (known.kind != kSystemic && strongest != nullptr)
    add_timeline(known, wall_, TimelineKind::evidence, "explains " + to_string(entity) + ": " + strongest->evidence);
}

// The incident of another root turns out to be a part of this one.
void CaseBook::absorb(RootPlace& place, const Incident& explanation, Changes& ret_changes) {
  auto& [entity, root] = place;
  Incident& part = incidents_.at(root.incident);
  part.part_of = explanation.id;
  part.active = false;
  ++part.revision;
  add_timeline(part, wall_, TimelineKind::cleared,
               "it is part of incident " + explanation.id + ": " + explanation.summary);
  ret_changes.cleared.push_back(part.id);
  root.incident.clear();
  root.quiet.reset();
  subsume(entity, root, explanation);
}

void CaseBook::absorb_others(const Entity& entity, const Incident& incident, Changes& ret_changes) {
  if (incident.suspicion) return;
  for (RootPlace& place : roots_) {
    const auto known = incidents_.find(place.second.incident);
    if (place.first == entity || known == incidents_.end() || !known->second.active) continue;
    const bool storm = incident.kind == kSystemic && now_ - known->second.opened_mono < StormWatch::kWindow;
    const bool young = now_ - known->second.opened_mono < kYoung;
    if (storm || (young && explains(entity, incident, place.first, place.second) > 0))
      absorb(place, incident, ret_changes);
  }
  if (incident.kind != kSystemic) return;
  for (auto& [id, other] : incidents_) {  // what the host had of its own
    if (other.root != entity || id == incident.id || !other.active) continue;
    other.part_of = incident.id;
    other.active = false;
    ++other.revision;
    ret_changes.cleared.push_back(id);
  }
}

void CaseBook::open(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes) {
  if (incidents_.size() >= kMostIncidents) {
    ++refused_;
    return;
  }
  Incident incident;
  incident.root = entity;
  incident.kind = rules_[lead(root)->rule].incident_kind;
  incident.id = new_id(entity, incident.kind);
  incident.fingerprint = fingerprint(entity, root, incident.kind);
  incident.revision = 1;
  incident.severity = Severity::info;  // its signals raise it
  incident.suspicion = true;           // and confirm it
  incident.opened_at = wall_;
  incident.opened_mono = now_;
  incident.fault_at = wall_;
  root.incident = incident.id;
  root.signals_at_open = 0;
  news_ = true;
  Incident& kept = incidents_.emplace(incident.id, std::move(incident)).first->second;
  (void)rebuild(entity, root, kept, host);  // everything is new
  root.signals_at_open = kept.signals;
  add_timeline(kept, wall_, TimelineKind::opened, kept.summary);
  for (const Anomaly& anomaly : kept.anomalies) add_timeline(kept, wall_, TimelineKind::evidence, anomaly.evidence);
  add_timeline(kept, wall_, TimelineKind::diagnosed, kept.diagnosis);
  ret_changes.opened.push_back(kept.id);
  absorb_others(entity, kept, ret_changes);
}

void CaseBook::count_relapse(Root& root, Incident& incident) {
  ++incident.flaps;
  root.relapses.add(now_);
  const bool flapped = incident.flapping;
  incident.flapping = flapped || root.relapses.since(now_ - kFlapWindow) >= kFlaps;
  if (incident.flapping && !flapped)
    add_timeline(incident, wall_, TimelineKind::note,
                 strf("it flaps: back for the %dth time; it stays open until it is quiet for %s", incident.flaps,
                      format_duration(kFlapQuiet).c_str()));
}

void CaseBook::reactivate(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  incident.active = true;
  incident.proof = false;
  incident.confidence = 0;
  incident.suspicion = true;
  incident.closed_at.reset();
  ++incident.revision;
  root.quiet.reset();
  news_ = true;
  (void)rebuild(entity, root, incident, host);  // reported in any case
  add_timeline(incident, wall_, TimelineKind::evidence, "again: " + lead(root)->evidence);
  count_relapse(root, incident);
  ret_changes.updated.push_back(incident.id);
  absorb_others(entity, incident, ret_changes);
}

void CaseBook::close(Root& root, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  incident.active = incident.flapping = false;
  ++incident.revision;
  root.quiet.reset();
  news_ = true;
  for (Anomaly& anomaly : incident.anomalies) anomaly.firing = false;
  add_timeline(incident, wall_, TimelineKind::cleared, "its signals are quiet again");
  ret_changes.cleared.push_back(incident.id);
}

void CaseBook::update(const Entity& entity, Root& root, const HostView& host, bool report, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  std::vector<std::string> told;
  for (const Anomaly& anomaly : incident.anomalies)
    if (anomaly.firing) told.push_back(anomaly.rule + anomaly.signal);
  const std::string diagnosis = incident.diagnosis;
  const bool suspected = incident.suspicion;
  const bool changed = rebuild(entity, root, incident, host);
  if (!changed && !report) return;
  for (const Anomaly& anomaly : incident.anomalies)
    if (anomaly.firing && std::ranges::find(told, anomaly.rule + anomaly.signal) == told.end())
      add_timeline(incident, wall_, TimelineKind::evidence, anomaly.evidence);
  if (changed && incident.diagnosis != diagnosis)
    add_timeline(incident, wall_, TimelineKind::diagnosed, incident.diagnosis);
  ++incident.revision;
  ret_changes.updated.push_back(incident.id);
  if (suspected && !incident.suspicion) absorb_others(entity, incident, ret_changes);
}

}  // namespace hostmedic::detect
