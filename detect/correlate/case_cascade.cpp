// SPDX-License-Identifier: Apache-2.0
// Which fault is a consequence of which: by who depends on whom, by what came first, by how strong it is, and by what
// was right before.
#include <algorithm>
#include <cmath>
#include <set>

#include "agent/base/text.h"
#include "detect/correlate/case_book.h"

namespace hostmedic::detect {

namespace {

constexpr double kLeastExplained = 0.25;  // of a path: weaker ties do not carry a fault
constexpr double kHostExplains = 0.3;     // everything on a host depends on what all share there
constexpr std::string_view kShared[] = {"cpu.", "memory.", "io.", "limit.", "network.", "kernel.", "hardware."};
// A cause may be noticed after what it causes, for rules take their time; not much later.
constexpr Duration kLate = std::chrono::seconds(60);
// What began long before cannot have suffered of it.
constexpr Duration kEarly = std::chrono::seconds(10);
constexpr double kSoon = 10;  // seconds: so much later a sign counts a third

// What each part of a candidate's score weighs; they sum to 1.
constexpr double kPosition = 0.35, kOnset = 0.25, kStrength = 0.3, kRecord = 0.1;

bool is_of_all(std::string_view kind) {
  return std::ranges::any_of(kShared, [&](std::string_view prefix) { return kind.starts_with(prefix); });
}

}  // namespace

// It is late with its answers, or they are errors.
bool CaseBook::is_missing_answer(std::string_view kind) {
  return kind.starts_with("http.") || kind.starts_with("check.") || kind == "service.hung" ||
         kind == "service.upstream_failing" || kind == "log.errors";
}

// Nothing tells who looks names up: whoever does not answer as he should may, and shows nothing else.
bool CaseBook::may_wait_for_names(const Incident& incident, const Entity& sufferer, const Root& root) const {
  const bool asks = sufferer.kind == EntityKind::service || sufferer.kind == EntityKind::container ||
                    sufferer.kind == EntityKind::endpoint;
  if (!asks || incident.severity < Severity::error || sufferer == incident.root) return false;
  if (!graph_.answers_names(incident.root)) return false;
  bool missing = false;
  for (const Signal& signal : root.signals) {
    const SignalRule& rule = rules_[signal.rule];
    if (signal.phase != SignalPhase::firing) continue;
    if (is_missing_answer(rule.incident_kind))
      missing = true;
    else if (rule.opens)
      return false;
  }
  return missing;
}

// Who depends on it and does not answer as he should, or shows the same fault from his side, is a witness that is
// independent of what it shows itself. A host is none of these: all that runs on it is late when it is.
bool CaseBook::has_witness(const Incident& incident) const {
  if (incident.root.kind == EntityKind::host) return false;
  return std::ranges::any_of(incident.affected, [&](const Affected& one) {
    const auto root = roots_.find(one.entity);
    return root != roots_.end() && std::ranges::any_of(root->second.signals, [&](const Signal& signal) {
             const std::string& kind = rules_[signal.rule].incident_kind;
             return signal.phase == SignalPhase::firing && (kind == incident.kind || is_missing_answer(kind));
           });
  });
}

// How well an incident of `cause` explains what is seen of `sufferer`, 0..1; 0: not at all.
double CaseBook::explains(const Entity& cause, const Incident& incident, const Entity& sufferer,
                          const Root& root) const {
  WallTime onset = wall_;
  bool proof = false;
  for (const Signal& signal : root.signals) {
    if (signal.phase != SignalPhase::firing || !rules_[signal.rule].opens) continue;
    onset = std::min(onset, signal.since_wall);
    proof = proof || rules_[signal.rule].proof;
  }
  if (incident.fault_at > onset + kLate) return 0;
  const auto path = graph_.path(sufferer, cause);
  // What has certainly failed of itself is explained only by what may make it fail.
  if (path && path->weight >= kLeastExplained && (!proof || path->carries_failure)) return path->weight;
  const bool lives_on_it = sufferer.kind == EntityKind::service || sufferer.kind == EntityKind::container ||
                           sufferer.kind == EntityKind::process;
  if (proof) return 0;
  if (cause.kind == EntityKind::host) return lives_on_it && is_of_all(incident.kind) ? kHostExplains : 0;
  return may_wait_for_names(incident, sufferer, root) ? kHostExplains : 0;
}

// The incident that stands for what is seen of this root; null: it stands for itself.
const Incident* CaseBook::explanation(const Entity& entity, const Root& root) const {
  const Incident* best = nullptr;
  double most = 0;
  for (const auto& [id, incident] : incidents_) {
    if (!incident.active || incident.suspicion || incident.root == entity) continue;
    if (incident.kind == kSystemic) {
      if (storming_) return &incident;
      continue;
    }
    const double weight = explains(incident.root, incident, entity, root);
    if (weight > most) {
      most = weight;
      best = &incident;
    }
  }
  return best;
}

// Who depends on the root and shows it: what joined the incident, and what fires without opening one.
std::vector<Affected> CaseBook::suffer_with(const Entity& entity, const Incident& incident) const {
  std::vector<Affected> all;
  const auto add = [&](const Entity& who, const Root& root, std::string path) {
    const Signal* strongest = nullptr;
    for (const Signal& signal : root.signals) {
      if (signal.phase != SignalPhase::firing || signal.since_wall + kEarly < incident.fault_at) continue;
      if (strongest == nullptr || signal.finding.probability > strongest->finding.probability) strongest = &signal;
    }
    if (strongest != nullptr && all.size() < kMostAffected) all.push_back({who, std::move(path), strongest->evidence});
  };
  if (incident.suspicion && incident.severity < Severity::warning) return all;
  for (const Path& path : graph_.dependents(entity, 2 * kMostAffected)) {
    const auto root = roots_.find(path.entities.front());
    if (root != roots_.end() && path.weight >= kLeastExplained) add(root->first, root->second, to_string(path));
  }
  for (const auto& [who, root] : roots_) {
    const bool listed = std::ranges::find(all, who, &Affected::entity) != all.end();
    const bool waits = root.incident.empty() && root.joined.empty() && may_wait_for_names(incident, who, root);
    if ((root.joined == incident.id || waits) && !listed) add(who, root, {});
  }
  return all;
}

// How likely it is that this is what all of them suffer from.
Candidate CaseBook::weigh_candidate(const Entity& entity, const Root& root, const std::vector<Entity>& suffering,
                                    WallTime first) const {
  double strength = 0;
  WallTime onset = wall_;
  for (const Signal& signal : root.signals) {
    if (signal.phase == SignalPhase::settled) continue;
    strength = std::max(strength, rules_[signal.rule].proof ? 1 : signal.finding.probability);
    onset = std::min(onset, signal.since_wall);
  }
  std::set<Entity> feel_it{entity};
  for (const Path& path : graph_.dependents(entity, 2 * kMostAffected))
    if (path.weight >= kLeastExplained) feel_it.insert(path.entities.front());
  const auto explained = std::ranges::count_if(suffering, [&](const Entity& who) { return feel_it.contains(who); });
  const double position = static_cast<double>(explained) / static_cast<double>(suffering.size());
  const double late = std::max(0.0, to_seconds(onset - first));
  const auto known = records_.find(entity);
  const Record record = known == records_.end() ? Record{} : known->second;
  const double right = (record.worked + 1.0) / (record.tried + 2.0);  // the rule of succession
  Candidate candidate{entity, 0, {}};
  candidate.score = kPosition * position + kOnset * std::exp(-late / kSoon) + kStrength * strength + kRecord * right;
  candidate.why =
      strf("explains %d of %zu that suffer; %s; strongest signal %.0f%%", static_cast<int>(explained), suffering.size(),
           late < 0.05 ? "the first sign" : (format_duration(onset - first) + " after the first sign").c_str(),
           100 * strength);
  if (record.tried > 0) candidate.why += strf("; treating it worked %u of %u times", record.worked, record.tried);
  return candidate;
}

// The root, and whatever else fires among those that it depends on or that suffer with it.
std::vector<Candidate> CaseBook::rank(const Entity& entity, const Incident& incident) const {
  if (incident.kind == kSystemic) return {};  // no single cause can be told
  std::vector<Entity> suffering{entity};
  for (const Affected& one : incident.affected) suffering.push_back(one.entity);
  std::set<Entity> possible(suffering.begin(), suffering.end());
  for (const Path& path : graph_.dependencies(entity, kMostAffected)) possible.insert(path.entities.back());
  // Of what fires now: an incident that came back began anew.
  WallTime first = wall_;
  for (const Entity& one : possible)
    if (const auto root = roots_.find(one); root != roots_.end())
      for (const Signal& signal : root->second.signals)
        if (signal.phase != SignalPhase::settled) first = std::min(first, signal.since_wall);
  std::vector<Candidate> ranked;
  for (const Entity& one : possible) {
    const auto root = roots_.find(one);
    if (root == roots_.end() || is_idle(root->second)) continue;
    ranked.push_back(weigh_candidate(one, root->second, suffering, first));
  }
  // The root was chosen when the incident opened, and with it what was done: what is ranked above it later is said, but
  // stays below.
  std::ranges::stable_sort(ranked, [&](const Candidate& a, const Candidate& b) {
    if ((a.entity == entity) != (b.entity == entity)) return a.entity == entity;
    return a.score > b.score;
  });
  if (ranked.size() > kMostCandidates) ranked.resize(kMostCandidates);
  return ranked;
}

}  // namespace hostmedic::detect
