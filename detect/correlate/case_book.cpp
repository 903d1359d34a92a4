// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/case_book.h"

#include <algorithm>

#include "agent/base/text.h"
#include "detect/correlate/explain.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kMostIncidents = 1024;
constexpr std::size_t kMostRoots = 4096;
constexpr std::size_t kMostEdges = 1024;
constexpr Duration kRefresh = std::chrono::seconds(1);
// A service that fails loses its cgroup, a device may be plugged in again: what is retired gets this long to return.
constexpr Duration kReturns = std::chrono::seconds(10);
constexpr Duration kListed = std::chrono::seconds(30);  // for all units of the list to be told

}  // namespace

CaseBook::CaseBook(std::vector<SignalRule> rules, std::uint64_t host_seed, Duration adopted_quiet_after)
    : rules_(std::move(rules)), host_seed_(host_seed), adopted_quiet_after_(adopted_quiet_after) {}

void CaseBook::begin(MonoTime now, WallTime wall) {
  now_ = now;
  wall_ = wall;
}

Signal* CaseBook::find(const Entity& entity, std::uint32_t rule, std::string_view attributes) {
  const auto root = roots_.find(entity);
  if (root == roots_.end()) return nullptr;
  for (Signal& signal : root->second.signals)
    if (signal.rule == rule && signal.attributes == attributes) return &signal;
  return nullptr;
}

// The signal, firing now; null beyond the bounds. A new one may take the place of settled evidence.
Signal* CaseBook::start(const Entity& entity, std::uint32_t rule, std::string_view attributes) {
  Signal* signal = find(entity, rule, attributes);
  if (signal == nullptr) {
    if (roots_.size() >= kMostRoots && !roots_.contains(entity)) {
      ++refused_;
      return nullptr;
    }
    std::vector<Signal>& signals = roots_[entity].signals;
    const auto settled = std::ranges::find(signals, SignalPhase::settled, &Signal::phase);
    if (signals.size() < kMostAnomalies) {
      signal = &signals.emplace_back();
    } else if (settled != signals.end()) {
      signal = &*settled;
      *signal = {};
    } else {
      ++refused_;
      return nullptr;
    }
    signal->rule = rule;
    signal->attributes = attributes;
  }
  roots_[entity].changed = true;
  signal->phase = SignalPhase::firing;
  signal->started = signal->changed = now_;
  signal->open_after = rules_[rule].open_after;
  return signal;
}

void CaseBook::fire(std::uint32_t rule, const Entity& entity, const SeriesDef& series, Unit unit, double value,
                    double weight, const Finding& finding) {
  Signal* signal = find(entity, rule, series.attributes);
  const bool starts = signal == nullptr || signal->phase != SignalPhase::firing;
  const bool returns = !starts && signal->stale;
  if (starts) signal = start(entity, rule, series.attributes);
  if (signal == nullptr) return;
  signal->stale = false;
  signal->bound = true;
  const bool other = !starts && signal->finding.departure != finding.departure;  // a jump that turns out to stay
  signal->unit = unit;
  signal->value = value;
  signal->finding = finding;
  signal->finding.probability *= weight;
  signal->last = now_;
  if (starts) signal->since_wall = wall_at(finding.since);
  if (starts || returns || other) signal->evidence = explain_series(rules_[rule], entity, *signal);
  if (returns || other) roots_[entity].changed = true;
}

void CaseBook::fire_condition(std::uint32_t rule, const Entity& entity, Unit unit, std::optional<double> value,
                              const Finding& finding, std::string evidence) {
  Signal* signal = find(entity, rule, {});
  const bool starts = signal == nullptr || signal->phase != SignalPhase::firing;
  if (!starts && signal->stale) roots_[entity].changed = true;
  if (starts) signal = start(entity, rule, {});
  if (signal == nullptr) return;
  signal->stale = false;
  signal->bound = true;
  signal->unit = unit;
  signal->value = value;
  signal->finding = finding;
  signal->last = now_;
  if (starts) signal->since_wall = wall_at(finding.since);
  signal->evidence = std::move(evidence);
}

void CaseBook::repeat(std::uint32_t rule, const Entity& entity) {
  Signal* signal = find(entity, rule, {});
  if (signal != nullptr && signal->phase == SignalPhase::firing) signal->last = now_;
}

bool CaseBook::quiet(std::uint32_t rule, const Entity& entity, std::string_view attributes) {
  Signal* signal = find(entity, rule, attributes);
  if (signal == nullptr || signal->phase == SignalPhase::settled) return true;
  if (signal->phase == SignalPhase::firing) {
    signal->phase = SignalPhase::cooling;
    signal->changed = now_;
    signal->stale = false;
    roots_[entity].changed = true;
  }
  // Quiet only counts as far as it was read to be quiet.
  if (now_ - signal->changed < rules_[rule].quiet_after) return false;
  signal->phase = SignalPhase::settled;
  return true;
}

void CaseBook::fire_event(std::uint32_t rule, const Entity& entity, const Event& event, double probability,
                          bool at_once) {
  Signal* signal = find(entity, rule, {});
  const bool starts = signal == nullptr || signal->phase != SignalPhase::firing;
  const bool returns = !starts && signal->stale;
  if (starts) signal = start(entity, rule, {});
  if (signal == nullptr) return;
  if (starts) {
    signal->finding.since = std::min(event.at, now_);
    signal->since_wall = wall_at(signal->finding.since);
  }
  // What is told later may say that there is nothing to wait for.
  if (at_once) signal->open_after = {};
  if (starts) signal->initial = event.get(attr::kUnitInitial) == "1";
  std::string evidence = explain_event(entity, event);
  if (signal->initial) evidence += "; found in this state at start";
  // A state is told again when more of it is known; a growth is told again and again with other numbers.
  const bool completed = event.kind == EventKind::unit_state && evidence != signal->evidence;
  if (returns || completed) roots_[entity].changed = true;
  signal->evidence = std::move(evidence);
  signal->stale = false;
  signal->finding.state = State::firing;
  signal->finding.probability = probability;
  signal->last = now_;
}

void CaseBook::tell(std::uint32_t rule, const Entity& entity, std::string_view evidence, const Finding& finding) {
  Signal* signal = find(entity, rule, {});
  const bool starts = signal == nullptr || signal->phase != SignalPhase::firing;
  const bool returns = !starts && signal->stale;
  if (starts) signal = start(entity, rule, {});
  if (signal == nullptr) return;
  if (starts) signal->since_wall = wall_at(finding.since);
  if (returns) roots_[entity].changed = true;
  if (signal->evidence != evidence) signal->evidence = evidence;
  signal->stale = false;
  signal->finding = finding;
  signal->last = now_;
}

void CaseBook::clear_event(std::uint32_t rule, const Entity& entity) {
  Signal* signal = find(entity, rule, {});
  if (signal == nullptr || signal->phase != SignalPhase::firing) return;
  signal->phase = SignalPhase::cooling;
  signal->changed = now_;
  signal->stale = false;
  roots_[entity].changed = true;
}

void CaseBook::withdraw_event(std::uint32_t rule, const Entity& entity) {
  Signal* signal = find(entity, rule, {});
  if (signal == nullptr || signal->phase != SignalPhase::firing) return;
  const Root& root = roots_[entity];
  if (root.incident.empty() || !incidents_.at(root.incident).active) signal->phase = SignalPhase::settled;
}

void CaseBook::writes_to(const Entity& service, const Entity& filesystem) {
  for (Edge& edge : edges_)
    if (edge.service == service && edge.filesystem == filesystem) {
      edge.last = now_;
      return;
    }
  if (edges_.size() < kMostEdges) {
    edges_.push_back({service, filesystem, now_});
  } else {
    *std::ranges::min_element(edges_, {}, &Edge::last) = {service, filesystem, now_};
  }
}

bool CaseBook::attach(std::uint32_t rule, const Entity& entity, std::string_view attributes) {
  Signal* signal = find(entity, rule, attributes);
  if (signal == nullptr || signal->phase == SignalPhase::settled) return false;
  signal->bound = true;
  signal->gone.reset();
  return true;
}

void CaseBook::gone(const Entity& entity) {
  const auto found = roots_.find(entity);
  if (found == roots_.end()) return;
  Root& root = found->second;
  for (Signal& signal : root.signals) {
    signal.bound = false;
    // An event is ended by an event.
    if (signal.phase == SignalPhase::settled || rules_[signal.rule].is_event()) continue;
    if (signal.phase == SignalPhase::cooling) {
      signal.phase = SignalPhase::settled;
    } else {
      signal.stale = true;
      signal.gone = now_;
    }
    root.changed = true;
  }
}

void CaseBook::units_listed() {
  if (!listed_) listed_ = now_;
}

void CaseBook::restart() {
  listed_.reset();
  for (auto& [entity, root] : roots_)
    for (Signal& signal : root.signals) {
      signal.bound = false;
      signal.gone.reset();  // perhaps it only was not told of again
      const bool event = rules_[signal.rule].is_event();
      if (signal.phase == SignalPhase::cooling && !event) signal.phase = SignalPhase::firing;  // quiet was not proved
      if (signal.phase == SignalPhase::firing) signal.stale = true;
    }
}

void CaseBook::settle(Root& root) {
  if (root.adopted && !root.adopted_until) root.adopted_until = now_ + adopted_quiet_after_;
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

void CaseBook::end(const HostView& host, Changes& ret_changes) {
  graph_changed_ = false;
  for (auto it = roots_.begin(); it != roots_.end();) {
    auto& [entity, root] = *it;
    settle(root);
    const auto known = incidents_.find(root.incident);
    if (known == incidents_.end()) {
      if (opens_now(root)) open(entity, root, host, ret_changes);
      const bool idle = root.incident.empty() && std::ranges::all_of(root.signals, [](const Signal& signal) {
                          return signal.phase == SignalPhase::settled;
                        });
      if (idle) {
        it = roots_.erase(it);
        continue;
      }
    } else if (!known->second.active) {
      if (opens_now(root)) reactivate(entity, root, host, ret_changes);
    } else if (!holds(root)) {
      close(root, ret_changes);
    } else if (root.changed || now_ - root.refreshed >= kRefresh) {
      update(entity, root, host, root.changed, ret_changes);
    }
    root.changed = false;
    ++it;
  }
  if (!graph_changed_) return;
  for (auto& [entity, root] : roots_)
    if (active_incident(entity) != nullptr && root.refreshed != now_) update(entity, root, host, false, ret_changes);
}

void CaseBook::open(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes) {
  if (incidents_.size() >= kMostIncidents) {
    ++refused_;
    return;
  }
  Incident incident;
  incident.root = entity;
  incident.kind = rules_[lead(root)->rule].incident_kind;
  incident.severity = Severity::info;  // what fires raises it
  incident.id = new_id(entity, incident.kind);
  incident.fingerprint = fingerprint(entity, root, incident.kind);
  incident.revision = 1;
  incident.severity = Severity::info;  // its signals raise it
  incident.opened_at = wall_;
  incident.opened_mono = now_;
  incident.fault_at = wall_;
  root.incident = incident.id;
  root.signals_at_open = 0;
  Incident& kept = incidents_.emplace(incident.id, std::move(incident)).first->second;
  (void)rebuild(entity, root, kept, host);  // everything is new
  root.signals_at_open = kept.signals;
  add_timeline(kept, wall_, TimelineKind::opened, kept.summary);
  for (const Anomaly& anomaly : kept.anomalies) add_timeline(kept, wall_, TimelineKind::evidence, anomaly.evidence);
  add_timeline(kept, wall_, TimelineKind::diagnosed, kept.diagnosis);
  ret_changes.opened.push_back(kept.id);
  graph_changed_ = true;
}

void CaseBook::reactivate(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  incident.active = true;
  incident.proof = false;
  incident.confidence = 0;
  incident.closed_at.reset();
  ++incident.revision;
  (void)rebuild(entity, root, incident, host);  // reported in any case
  add_timeline(incident, wall_, TimelineKind::evidence, "again: " + lead(root)->evidence);
  ret_changes.updated.push_back(incident.id);
  graph_changed_ = true;
}

void CaseBook::close(Root& root, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  incident.active = false;
  ++incident.revision;
  for (Anomaly& anomaly : incident.anomalies) anomaly.firing = false;
  add_timeline(incident, wall_, TimelineKind::cleared, "its signals are quiet again");
  ret_changes.cleared.push_back(incident.id);
  graph_changed_ = true;
}

void CaseBook::update(const Entity& entity, Root& root, const HostView& host, bool report, Changes& ret_changes) {
  Incident& incident = incidents_.at(root.incident);
  std::vector<std::string> told;
  for (const Anomaly& anomaly : incident.anomalies)
    if (anomaly.firing) told.push_back(anomaly.rule + anomaly.signal);
  const std::string diagnosis = incident.diagnosis;
  const bool changed = rebuild(entity, root, incident, host);
  if (!changed && !report) return;
  for (const Anomaly& anomaly : incident.anomalies)
    if (anomaly.firing && std::ranges::find(told, anomaly.rule + anomaly.signal) == told.end())
      add_timeline(incident, wall_, TimelineKind::evidence, anomaly.evidence);
  if (changed && incident.diagnosis != diagnosis)
    add_timeline(incident, wall_, TimelineKind::diagnosed, incident.diagnosis);
  ++incident.revision;
  ret_changes.updated.push_back(incident.id);
}

std::string CaseBook::new_id(const Entity& entity, std::string_view kind) const {
  std::string seed = hex64(host_seed_) + "|" + to_string(entity) + "|" + std::string(kind) + "|" +
                     strf("%lld", static_cast<long long>(to_ns(wall_)));
  std::string id = hex64(fnv1a(seed));
  // The wall clock may have been set back to a moment that has its incident already.
  while (incidents_.contains(id)) id = hex64(fnv1a(seed += "+"));
  return id;
}

std::string CaseBook::fingerprint(const Entity& entity, const Root& root, std::string_view kind) const {
  std::vector<std::string> ids;
  for (const Signal& signal : root.signals)
    if (rules_[signal.rule].opens && signal.phase == SignalPhase::firing) ids.push_back(rules_[signal.rule].id);
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return hex64(fnv1a(std::string(kind) + "|" + to_string(entity) + "|" + join(ids, ",")));
}

void CaseBook::adopt(const Incident& incident) {
  Root& root = roots_[incident.root];
  if (!root.incident.empty()) return;
  root.incident = incident.id;
  root.adopted = incident.active;
  root.signals_at_open = incident.signals;
  for (const Anomaly& anomaly : incident.anomalies) {
    const auto rule = std::ranges::find(rules_, anomaly.rule, &SignalRule::id);
    if (rule == rules_.end() || root.signals.size() >= kMostAnomalies) continue;
    Signal& signal = root.signals.emplace_back();
    signal.rule = static_cast<std::uint32_t>(rule - rules_.begin());
    std::string_view attributes = anomaly.signal;
    attributes.remove_prefix(std::min(attributes.size(), attributes.find('{')));
    if (attributes.size() >= 2) signal.attributes = attributes.substr(1, attributes.size() - 2);
    signal.phase = anomaly.firing && incident.active ? SignalPhase::firing : SignalPhase::settled;
    signal.stale = signal.phase == SignalPhase::firing;
    signal.unit = anomaly.unit;
    signal.value = anomaly.value;
    signal.finding.probability = anomaly.probability;
    signal.finding.expected = anomaly.expected;
    signal.finding.direction = anomaly.direction;
    signal.since_wall = anomaly.since_wall;
    signal.evidence = anomaly.evidence;
  }
  incidents_[incident.id] = incident;
}

void CaseBook::forget(const std::string& id) {
  const auto incident = incidents_.find(id);
  if (incident == incidents_.end() || incident->second.active) return;
  const auto root = roots_.find(incident->second.root);
  if (root != roots_.end() && root->second.incident == id) {
    root->second.incident.clear();
    std::erase_if(root->second.signals, [](const Signal& signal) { return signal.phase == SignalPhase::settled; });
  }
  incidents_.erase(incident);
}

std::size_t CaseBook::bytes_used() const {
  std::size_t bytes = edges_.capacity() * sizeof(Edge);
  for (const auto& [entity, root] : roots_)
    bytes += sizeof entity + sizeof root + root.signals.capacity() * sizeof(Signal);
  for (const auto& [id, incident] : incidents_)
    bytes += sizeof incident + incident.anomalies.capacity() * sizeof(Anomaly) +
             incident.timeline.capacity() * sizeof(TimelineEntry);
  return bytes;
}

}  // namespace hostmedic::detect
