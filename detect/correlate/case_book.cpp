// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/case_book.h"

#include <algorithm>

#include "agent/base/text.h"
#include "detect/correlate/explain.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kMostRoots = 4096;
constexpr std::size_t kMostRecords = 1024;

// What speaks when too much speaks.
SignalRule storm_rule() {
  SignalRule rule;
  rule.id = rule.source = kStormRule;
  rule.incident_kind = kSystemic;
  rule.severity = Severity::critical;
  rule.quiet_after = std::chrono::seconds(5);
  return rule;
}

}  // namespace

CaseBook::CaseBook(std::vector<SignalRule> rules, std::uint64_t host_seed, CaseTimes times)
    : rules_([&] {
        rules.push_back(storm_rule());
        return std::move(rules);
      }()),
      host_seed_(host_seed),
      times_(times) {}

void CaseBook::begin(MonoTime now, WallTime wall) {
  now_ = now;
  wall_ = wall;
  news_ = false;
}

void CaseBook::note(const Entity& about, const Event& event) {
  graph_.note(about, event, now_);
  changes_.note(about, event, wall_at(std::min(event.at, now_)), now_);
  // A change is often told a moment after what it broke.
  news_ = news_ || event.kind == EventKind::change;
}

void CaseBook::learn(const Entity& root, bool worked) {
  if (records_.size() >= kMostRecords && !records_.contains(root)) return;
  Record& record = records_[root];
  ++record.tried;
  record.worked += worked ? 1 : 0;
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
  roots_[entity].changed = news_ = true;
  // One that comes and goes is one anomaly.
  const bool again = signal->started != MonoTime{} && now_ - signal->started < StormWatch::kWindow;
  if (!again && rules_[rule].id != kStormRule) storm_.anomaly(now_);
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
    roots_[entity].changed = news_ = true;
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
  roots_[entity].changed = news_ = true;
}

void CaseBook::withdraw_event(std::uint32_t rule, const Entity& entity) {
  Signal* signal = find(entity, rule, {});
  if (signal == nullptr || signal->phase != SignalPhase::firing) return;
  const Root& root = roots_[entity];
  if (root.incident.empty() || !incidents_.at(root.incident).active) signal->phase = SignalPhase::settled;
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
  if (!incident.part_of.empty()) return;  // another one stands for it
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
  std::size_t bytes = graph_.bytes_used() + records_.size() * (sizeof(Entity) + sizeof(Record));
  for (const auto& [entity, root] : roots_)
    bytes += sizeof entity + sizeof root + root.signals.capacity() * sizeof(Signal);
  for (const auto& [id, incident] : incidents_)
    bytes += sizeof incident + incident.anomalies.capacity() * sizeof(Anomaly) +
             incident.timeline.capacity() * sizeof(TimelineEntry);
  return bytes;
}

}  // namespace hostmedic::detect
