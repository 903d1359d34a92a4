// SPDX-License-Identifier: Apache-2.0
// Frames in, incidents out. Holds a detector per (rule, series), correlates what fires into at most one open incident
// per root entity, and says when its signals are quiet again. A pure function of (configuration, state, frames): the
// same frames give the same incidents with the same ids. Called from the pipeline's thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "detect/behaviour/behaviour_watch.h"
#include "detect/calendar/calendar.h"
#include "detect/detector.h"
#include "detect/learning_hold.h"
#include "detect/model/feedback.h"
#include "detect/model/frame.h"
#include "detect/model/host_view.h"
#include "detect/model/incident.h"
#include "detect/rules/condition_rule.h"
#include "detect/scorer.h"

namespace hostmedic::detect {

class Survey;
class EntityGraph;

// Which detector watches which series, and what it means when it fires.
struct Rule {
  std::string id;  // unique, "filesystem-forecast"
  bool enabled = true;
  std::string metric;                                  // exact series name
  std::string attributes;                              // glob; empty: series without attributes
  std::string entity = "*";                            // glob over to_string(entity)
  std::string detector;                                // name in the registry; on a counter it is fed the rate
  std::vector<std::pair<std::string, double>> params;  // by name; the rest at their defaults
  std::string incident_kind;
  Severity severity = Severity::warning;
  double weight = 1;   // multiplies the detector's probability, 0..1
  bool proof = false;  // enough by itself to act on
  bool opens = true;   // false: only supports an incident that another rule opened on the same root
  std::string why;     // the reason for the numbers
};

// An event that is a signal by itself, until the event that ends it or until it expires.
struct EventRule {
  std::string id;
  bool enabled = true;
  EventKind kind{};
  std::string key, value;                 // fires when the attribute is there and matches this glob
  std::optional<double> at_least;         // and is a number of at least this
  std::vector<std::string> clear_values;  // quiet again when the attribute has one of these
  std::string entity = "*";               // glob over to_string() of what it is about
  std::string unit_key;                   // attribute that names the service it is about; empty: the event's own entity
  std::string incident_kind;
  Severity severity = Severity::error;
  double probability = 0.99;
  bool proof = true;
  bool opens = true;      // false: only supports an incident that another rule opened on the same root
  Duration expires{};     // quiet by itself when not repeated for this long; zero: only by clear_values
  Duration open_after{};  // opens only after this long, so that a stronger signal may open first
  std::string at_once_key, at_once_value;  // open_after is not waited for when this attribute has this value
  std::vector<std::string>
      withdraw_values;  // takes the signal back when the attribute has one of these before it opened
  Duration quiet_after = std::chrono::seconds(1);  // after a clearing event; it is a fact and not a sample
  std::string why;
};

struct EngineConfig {
  std::vector<Rule> rules;
  std::vector<EventRule> event_rules;
  std::vector<ConditionRule> condition_rules;
  std::vector<ExpectedEntry> expected;             // at most kMostExpected
  std::string stage;                               // "production": what `stage is` in a condition compares
  Duration quiet_after = std::chrono::seconds(5);  // a detector must be quiet this long before an incident is inactive
  // So long after a change of an entity less is enough to believe that it fails.
  Duration post_change = std::chrono::minutes(10);
  ScorerConfig scoring;
  std::size_t most_detectors = 200'000;
  BehaviourConfig behaviour;
  std::uint64_t host_seed = 0;  // hash of the machine id: makes incident ids differ between hosts
};
// The rules for a host that ship by default, each with the reason for its numbers.
EngineConfig default_engine_config();

struct Changes {
  std::vector<std::string> opened, updated, cleared;  // incident ids; cleared: active became false
};

class Engine {
 public:
  // Refuses an unknown detector or parameter, a value outside its range, and a repeated rule id.
  static Result<std::unique_ptr<Engine>> make(EngineConfig config);
  ~Engine();

  // Frames in order of time; one from before the last is ignored and counted. After a frame that is marked first, what
  // was bound to ids is forgotten, incidents stay, and their signals are unknown until their series speak again.
  // The reference is valid until the next call.
  const Changes& step(const Frame& frame);

  // Incidents that are active, or became inactive and were not yet forgotten by forget(); by id.
  // What detection owns in them (anomalies, active, confidence, signals, causes, summary, diagnosis, opened/evidence/
  // cleared timeline entries) is current after step(). The response owns the rest in its own copy.
  const std::map<std::string, Incident>& incidents() const;
  // After a restart: takes over an unresolved incident from the store, so that its root's signals join it under the
  // same id. If none of its signals fires within quiet_after of the first frames, it becomes inactive (cleared).
  void adopt(const Incident& incident);
  // Drops an inactive incident; an active one stays. While one is kept and its root fires again, the same incident
  // becomes active again.
  void forget(const std::string& id);

  // What was learnt of series, by their names: for the next start, or for an engine of another configuration.
  Result<std::string> checkpoint() const;
  // Before the first frame. An error leaves everything to be learnt anew.
  Status restore(std::string_view checkpoint);
  // All of its state, bound to the ids of the present stream: an engine of the same configuration that takes it over
  // goes on with the next frame as this one would, bit by bit. Between two frames. Code limit past kMostSnapshot.
  Result<std::string> snapshot() const;
  // Code conflict for a snapshot of another configuration; an error changes nothing.
  Status restore_snapshot(std::string_view snapshot);
  // How often a circuit breaker took a model out. What a model costs is in no frame, so a replay cannot know of it: who
  // records frames takes a new snapshot when this has grown.
  std::uint64_t breaker_trips() const;
  // People work on these: they are judged, but not learnt from. Replaces what was held.
  void hold_learning(std::vector<LearningHold> holds);
  // What is expected to be unusual, beside what the configuration says. Replaces what was set.
  void set_expected(std::vector<ExpectedEntry> entries);
  const Calendar& calendar() const;
  // What people said of earlier incidents moves what their signals count from now on (feedback_bias.h). Replaces what
  // was set.
  void set_feedback(const std::vector<Feedback>& all);
  // What the models learnt of these is forgotten and learnt anew. The number of groups.
  std::size_t relearn(std::string_view entity_pattern);
  const Survey& survey() const;

  // Whether a treatment of this root ended what it had: counts when roots are ranked.
  void learn(const Entity& root, bool worked);
  // Who depends on whom, as far as it is known now.
  const EntityGraph& graph() const;
  // What of it was changed of late, within EngineConfig::post_change; empty: nothing.
  std::string recent_change(const Entity& entity) const;
  // So much departs at once that one incident stands for all, and nothing is to be done by itself.
  bool storming() const;
  // Several roots failed in a moment: wait whether that is the front of a storm.
  bool gathering() const;
  const HostView& host() const;
  const std::string& stage() const;  // EngineConfig::stage
  const BehaviourWatch& behaviour() const;
  std::size_t detector_count() const;
  std::size_t condition_count() const;
  std::size_t bytes_used() const;
  std::uint64_t lost_frames() const;     // gaps in the sequence
  std::uint64_t ignored_frames() const;  // out of order
  std::uint64_t refused() const;         // detectors, signals and incidents beyond a bound

  struct Internals;

 private:
  explicit Engine(std::unique_ptr<Internals> internals);
  std::unique_ptr<Internals> internals_;
};

}  // namespace hostmedic::detect
