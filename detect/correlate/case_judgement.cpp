// SPDX-License-Identifier: Apache-2.0
// What an incident says: its anomalies, how sure and how bad it is, whether anything confirms it, why, and who causes
// it.
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

// "service:app.service, service:web.service and 4 more"
std::string names_of(const std::vector<Affected>& affected) {
  constexpr std::size_t kNamed = 3;
  std::string text;
  for (std::size_t i = 0; i < affected.size() && i < kNamed; ++i)
    text += (i == 0 ? "" : ", ") + to_string(affected[i].entity);
  return affected.size() <= kNamed ? text : text + strf(" and %zu more", affected.size() - kNamed);
}

// What users notice themselves.
bool is_user_facing(std::string_view incident_kind) {
  return incident_kind.starts_with("http.") || incident_kind.starts_with("check.");
}

// A fact or a limit that needs nothing beside it; a departure from what is usual does.
bool stands_alone(const SignalRule& rule, double probability) {
  if (rule.proof) return true;
  return probability >= (rule.severity >= Severity::error ? 0.8 : 0.85) && rule.severity >= Severity::warning;
}

}  // namespace

bool CaseBook::rebuild(const Entity& entity, Root& root, Incident& incident, const HostView& host) {
  root.refreshed = now_;
  const auto told = std::tuple(incident.causes, incident.affected, incident.severity, incident.signals,
                               incident.suspicion, incident.changes);
  std::vector<Anomaly> anomalies;
  // What only supports an incident does not keep it alive: a death half a minute ago is evidence, no fault of now.
  const bool alive = std::ranges::any_of(root.signals, [&](const Signal& signal) {
    return rules_[signal.rule].opens && signal.phase == SignalPhase::firing;
  });
  for (Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    const bool firing = signal.phase == SignalPhase::firing && (rule.opens || alive);
    if (firing && !signal.stale && !rule.is_event()) signal.evidence = explain_series(rule, entity, signal);
    anomalies.push_back({.entity = entity,
                         .rule = rule.id,
                         .signal = signal_name(rule.source, signal.attributes),
                         .probability = likely(entity, signal),
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
  if (news_ || root.changed) look_around(entity, incident);
  const bool suspected = incident.suspicion;
  judge(entity, root, incident);
  if (suspected && !incident.suspicion) {  // nobody suffers of a suspicion: who does is known only now
    look_around(entity, incident);
    judge(entity, root, incident);
  }
  incident.summary = summarize(incident.kind, entity, incident.fault_at);
  if (opens_now(root)) diagnose(entity, root, incident, host);
  return told != std::tuple(incident.causes, incident.affected, incident.severity, incident.signals, incident.suspicion,
                            incident.changes);
}

// Who else suffers, what was changed, and who may be the root: looked for when something began or ended.
void CaseBook::look_around(const Entity& entity, Incident& incident) const {
  std::vector<Affected> affected = suffer_with(entity, incident);
  // Who recovered first was affected all the same.
  for (Affected& known : incident.affected)
    if (affected.size() < kMostAffected &&
        std::ranges::find(affected, known.entity, &Affected::entity) == affected.end())
      affected.push_back(std::move(known));
  incident.affected = std::move(affected);
  incident.changes = changes_.before(entity, incident.fault_at, graph_);
  incident.context = changes_.context(incident.fault_at);
  if (calendar_ != nullptr) incident.context.push_back({"expected event", printable(calendar_->context(entity), 512)});
  if (maintenance_ != nullptr)
    incident.context.push_back({"maintenance", maintenance_->cover(entity) ? "people work on it" : ""});
  std::string said;
  for (const Anomaly& anomaly : incident.anomalies)
    if (const std::string text = feedback_.text(anomaly.rule, entity); !text.empty() && said.size() < 400)
      said += (said.empty() ? "" : "; ") + anomaly.rule + ": " + text;
  if (!said.empty()) incident.context.push_back({"feedback", printable(said, 512)});
  incident.candidates = rank(entity, incident);
}

double CaseBook::likely(const Entity& entity, const Signal& signal) const {
  const SignalRule& rule = rules_[signal.rule];
  const double said = signal.finding.probability;
  return rule.proof ? said : feedback_.moved(said, rule.id, entity);
}

// How sure and how bad. Signals of different sources are independent, so the chance that all of them err is a product;
// a second rule on the same source adds little, and so does what looks at all series: a nightly backup is unusual by
// the very stall of which a rule tells.
void CaseBook::judge(const Entity& entity, const Root& root, Incident& incident) const {
  constexpr double kSameSource = 0.25;
  constexpr double kMostWithoutProof = 0.99;
  std::map<std::string_view, std::vector<double>> sources;
  double of_all = 0;
  bool proof = false;
  for (const Signal& signal : root.signals) {
    if (signal.phase != SignalPhase::firing) continue;
    const SignalRule& rule = rules_[signal.rule];
    if (rule.of_all)
      of_all = std::max(of_all, likely(entity, signal));
    else
      sources[rule.source].push_back(likely(entity, signal));
    proof = proof || rule.proof;
  }
  if (sources.empty() && of_all == 0) return;  // it was as sure as it was
  double wrong = 1 - of_all * (sources.empty() ? 1 : kSameSource);
  for (auto& [source, probabilities] : sources) {
    std::ranges::sort(probabilities, std::greater<>());
    for (std::size_t i = 0; i < probabilities.size(); ++i) wrong *= 1 - probabilities[i] * (i == 0 ? 1 : kSameSource);
  }
  incident.proof = incident.proof || proof;
  // A signal that ends does not unsay what it showed; a relapse is judged afresh (see reactivate).
  incident.confidence = std::max(incident.confidence, proof ? 1 - wrong : std::min(1 - wrong, kMostWithoutProof));
  const int own = std::max<int>(1, static_cast<int>(sources.size()));
  incident.signals = std::max(root.signals_at_open, own + (has_witness(incident) ? 1 : 0));
  incident.suspicion = incident.suspicion && !confirmed(entity, root, incident);
  incident.severity = std::max(incident.severity, weigh(root, incident));
}

// A fact, or independent signals that agree so well that hardly anything else is left, or users that feel it. After a
// change less is enough.
bool CaseBook::confirmed(const Entity& entity, const Root& root, const Incident& incident) const {
  constexpr double kAgree = 0.97, kAgreeAfterChange = 0.8;
  Severity worst = Severity::info;
  for (const Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    if (!rule.opens || signal.phase != SignalPhase::firing) continue;
    if (stands_alone(rule, likely(entity, signal))) return true;
    worst = std::max(worst, rule.severity);
  }
  if (worst < Severity::warning) return false;  // what is only unusual harms nobody
  const bool felt = std::ranges::any_of(incident.affected, [](const Affected& one) { return !one.symptom.empty(); });
  if (felt) return true;
  if (recent_change(entity) != nullptr) return incident.confidence >= kAgreeAfterChange;
  return incident.signals > 1 && incident.confidence >= kAgree;
}

// By what it does to others and by what is left, not by how far a number is from another.
Severity CaseBook::weigh(const Root& root, const Incident& incident) const {
  constexpr double kNoTimeLeft = 30;  // seconds until something is full
  constexpr std::size_t kMany = 3;
  Severity severity = Severity::info;
  bool users = false, no_time = false;
  for (const Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    if (signal.phase != SignalPhase::firing || !rule.opens) continue;
    severity = std::max(severity, rule.severity);
    users = users || is_user_facing(rule.incident_kind);
    no_time = no_time || (rule.detector == "exhaustion" && signal.finding.score < kNoTimeLeft);
  }
  if (severity < Severity::warning || incident.suspicion) return severity;
  const std::size_t hit = incident.affected.size();
  if (severity == Severity::warning && (users || hit > 0)) severity = Severity::error;
  if (severity == Severity::error && (no_time || hit >= kMany)) severity = Severity::critical;
  return severity;
}

void CaseBook::diagnose(const Entity& entity, const Root& root, Incident& incident, const HostView& host) const {
  constexpr double kLeading = 0.5;
  std::vector<Entity> causes;
  std::string text = lead(root)->evidence + ".";
  if (!incident.changes.empty() && incident.changes.front().probability >= kLeading) {
    const RecentChange& change = incident.changes.front();
    if (change.entity != entity) causes.push_back(change.entity);
    text += strf(" Leading hypothesis: it is the work of a change: %s, %s before (%.0f%%).", change.text.c_str(),
                 format_duration(std::max(incident.fault_at - change.at, Duration::zero())).c_str(),
                 100 * change.probability);
  }
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
  for (const Path& path : graph_.dependencies(entity, kMostAffected)) {
    const Entity& below = path.entities.back();
    const Incident* other = active_incident(below);
    if (other == nullptr || other->suspicion || path.entities.size() > 2) continue;
    causes.push_back(below);
    text += " It depends on " + to_string(below) + ", which has an incident of its own: " + other->summary + ".";
  }
  if (const std::size_t hit = incident.affected.size(); hit > 0)
    text += strf(" It explains what is seen of %zu other%s: %s.", hit, hit == 1 ? "" : "s",
                 names_of(incident.affected).c_str());
  incident.diagnosis = std::move(text);
  // A file that stopped growing after the treatment was still the cause.
  if (!causes.empty()) incident.causes = std::move(causes);
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
