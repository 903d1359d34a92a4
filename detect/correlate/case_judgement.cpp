// SPDX-License-Identifier: Apache-2.0
// What an incident says: its anomalies, how sure and how bad it is, why, and who causes it.
#include <algorithm>
#include <functional>
#include <tuple>

#include "agent/base/text.h"
#include "detect/correlate/case_book.h"
#include "detect/correlate/explain.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

std::string signal_name(std::string_view source, std::string_view attributes) {
  std::string name(source);
  if (!attributes.empty()) {
    name += '{';
    name += attributes;
    name += '}';
  }
  return name;
}

}  // namespace

bool CaseBook::rebuild(const Entity& entity, Root& root, Incident& incident, const HostView& host) {
  root.refreshed = now_;
  const std::vector<Entity> causes = incident.causes;
  const std::vector<Affected> affected = incident.affected;
  const Severity severity = incident.severity;
  const int signals = incident.signals;
  std::vector<Anomaly> anomalies;
  for (Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    const bool firing = signal.phase == SignalPhase::firing;
    if (firing && !signal.stale && !rule.is_event()) signal.evidence = explain_series(rule, entity, signal);
    anomalies.push_back({.entity = entity,
                         .rule = rule.id,
                         .signal = signal_name(rule.source, signal.attributes),
                         .probability = signal.finding.probability,
                         .direction = signal.finding.direction,
                         .value = signal.value,
                         .expected = signal.finding.expected,
                         .unit = signal.unit,
                         .evidence = signal.evidence,
                         .since = signal.finding.since,
                         .since_wall = signal.since_wall,
                         .firing = firing,
                         .proof = rule.proof});
    incident.fault_at = std::min(incident.fault_at, signal.since_wall);
  }
  std::ranges::stable_sort(anomalies, [](const Anomaly& a, const Anomaly& b) {
    if (a.firing != b.firing) return a.firing;
    return a.probability > b.probability;
  });
  incident.anomalies = std::move(anomalies);
  judge(root, incident);
  incident.summary = summarize(incident.kind, entity, incident.fault_at);
  if (opens_now(root)) diagnose(entity, root, incident, host);
  return incident.causes != causes || incident.affected != affected || incident.severity != severity ||
         incident.signals != signals;
}

// How sure and how bad. Signals of different sources are independent, so the chance that all of them err is a product;
// a second rule on the same source adds little.
void CaseBook::judge(const Root& root, Incident& incident) const {
  constexpr double kSameSource = 0.25;
  constexpr double kMostWithoutProof = 0.99;
  std::map<std::string_view, std::vector<double>> sources;
  bool proof = false;
  for (const Signal& signal : root.signals) {
    if (signal.phase != SignalPhase::firing) continue;
    const SignalRule& rule = rules_[signal.rule];
    sources[rule.source].push_back(signal.finding.probability);
    proof = proof || rule.proof;
    if (rule.opens) incident.severity = std::max(incident.severity, rule.severity);
  }
  if (sources.empty()) return;  // it was as sure as it was
  double wrong = 1;
  for (auto& [source, probabilities] : sources) {
    std::ranges::sort(probabilities, std::greater<>());
    for (std::size_t i = 0; i < probabilities.size(); ++i) wrong *= 1 - probabilities[i] * (i == 0 ? 1 : kSameSource);
  }
  incident.proof = incident.proof || proof;
  // A signal that ends does not unsay what it showed; a relapse is judged afresh (see reactivate).
  incident.confidence = std::max(incident.confidence, proof ? 1 - wrong : std::min(1 - wrong, kMostWithoutProof));
  incident.signals = std::max(root.signals_at_open, static_cast<int>(sources.size()));
}

void CaseBook::diagnose(const Entity& entity, const Root& root, Incident& incident, const HostView& host) const {
  std::vector<Entity> causes;
  std::vector<Affected> affected;
  std::string text = lead(root)->evidence + ".";
  const auto others =
      std::ranges::count_if(root.signals, [](const Signal& signal) { return signal.phase == SignalPhase::firing; });
  if (incident.proof) {
    text += " This is proof by itself.";
  } else if (incident.signals > 1) {
    text += strf(" %d independent signals agree.", incident.signals);
  } else {
    text += others > 1 ? " All that fires comes from one signal." : " It is the only signal so far.";
  }
  if (entity.kind == EntityKind::filesystem) {
    for (const Event* growth : host.growing_files(entity, std::chrono::seconds(10))) {
      text += " " + explain_growth(*growth) + ".";
      const auto unit = growth->get(attr::kWriterUnit);
      Entity writer{EntityKind::service, std::string(unit)};
      if (!unit.empty() && std::ranges::find(causes, writer) == causes.end()) causes.push_back(std::move(writer));
      if (causes.size() == 3) break;
    }
  }
  for (const Edge& edge : edges_) {
    if (edge.service == entity)
      if (const Incident* other = active_incident(edge.filesystem)) {
        causes.push_back(edge.filesystem);
        text += " It writes to " + to_string(edge.filesystem) +
                ", which has an incident of its own: " + other->summary + ".";
      }
    if (edge.filesystem == entity && active_incident(edge.service) != nullptr)
      affected.push_back({edge.service, to_string(edge.service) + " > " + to_string(entity), {}});
  }
  incident.diagnosis = std::move(text);
  // A file that stopped growing after the treatment was still the cause.
  if (!causes.empty()) incident.causes = std::move(causes);
  if (!affected.empty()) incident.affected = std::move(affected);
}

const Incident* CaseBook::active_incident(const Entity& entity) const {
  const auto root = roots_.find(entity);
  if (root == roots_.end()) return nullptr;
  const auto incident = incidents_.find(root->second.incident);
  return incident == incidents_.end() || !incident->second.active ? nullptr : &incident->second;
}

bool CaseBook::treated(const Entity& entity) const {
  const Incident* incident = active_incident(entity);
  return incident != nullptr && incident->severity > Severity::info;
}

// The worst and surest of what may open; ties go to the order of the rules.
const Signal* CaseBook::lead(const Root& root) const {
  const Signal* best = nullptr;
  for (const Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    if (!rule.opens || signal.phase != SignalPhase::firing) continue;
    const auto rank = [&](const Signal& s) {
      return std::tuple(rules_[s.rule].severity, s.finding.probability, -static_cast<std::int64_t>(s.rule));
    };
    if (best == nullptr || rank(signal) > rank(*best)) best = &signal;
  }
  return best;
}

}  // namespace hostmedic::detect
