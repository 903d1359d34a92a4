// SPDX-License-Identifier: Apache-2.0
// The statistical half of detection: every series of a host through the always-on models, groups of series through the
// models that earned their place, and per group one word on how far it is from what is usual. The engine feeds it
// frames; `hostmedic score` feeds it the rows of a file: it is the same code with the same settings. Pure; no
// allocation in step(). One owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/incident.h"
#include "detect/model/series.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

enum class ModelMode : std::uint8_t {
  off,
  shadow,   // runs and is watched; its word counts for nothing
  trial,    // a shadow that is promoted when it does better on proved incidents, and put back when it does not
  serving,  // its word counts
};
std::string_view to_string(ModelMode mode);
std::optional<ModelMode> model_mode_from(std::string_view text);

struct ScorerConfig {
  Duration interval = std::chrono::seconds(1);           // between steps; the models' time constants follow it
  std::vector<std::pair<std::string, ModelMode>> modes;  // by the name of the model; the rest as shipped
  double suspicions_per_day = 1;                         // at most this many wanted, 0.01..1000
  Duration warm_up = std::chrono::hours(24);             // no group is suspicious before
  std::uint64_t seed = 1;
  Duration (*stopwatch)() = nullptr;  // processor time of this thread, which holds models to their budget; null: none
};

using Slot = std::uint32_t;       // of a series; taken up again after remove()
using GroupSlot = std::uint32_t;  // of a group

// In what way a series departed.
enum class Aspect : std::uint8_t { level, change, season, shape, correlation };
std::string_view to_string(Aspect aspect);

struct Contribution {
  Slot series = 0;
  Aspect aspect{};
  Direction direction = Direction::none;
  float share = 0;  // of the group's evidence, 0..1
  float score = 0;  // of this aspect, in usual deviations
  double value = 0, expected = 0;
};
inline constexpr std::size_t kMostContributions = 5;

struct GroupScore {
  float page = 0;         // all evidence as one number, against what the group usually has: pages are decided on it
  float threshold = 0;    // suspicious when page is above it; 0: not known yet
  float rank = 0;         // the evidence itself, however restless the group is: how grave it is
  float onset = 0;        // 0..1: high once when something new begins, low while it lasts
  float probability = 0;  // 0..1: how sure that this is a real problem; a fixed function of page, so that it is
                          // comparable between groups and hosts
  bool learning = true;   // too little was seen yet
  bool suspicious = false;
  std::array<Contribution, kMostContributions> top{};  // largest first
  std::size_t contributions = 0;
};

struct ModelHealth {
  std::string_view name, summary;
  ModelMode mode{};     // as configured
  bool working = true;  // false: a circuit breaker took it out; rules go on without it
  std::string reason;   // why it does not work, or what it still learns
  double cost_ns = 0;   // mean per series and step, where it was measured
  std::size_t bytes = 0;
  double alarm_rate = 0;  // suspicions a day by its word alone
};

class Scorer {
 public:
  // Refuses an unknown model and a value out of its range.
  static Result<std::unique_ptr<Scorer>> make(const ScorerConfig& config);
  ~Scorer();

  // May allocate. At most kMostSeries series; nullopt past the bound. A series belongs to one group.
  // key: the same for the same group at any time; a canary serves a part of them.
  GroupSlot add_group(std::uint64_t key = 0);
  void remove_group(GroupSlot group);
  std::optional<Slot> add(GroupSlot group, Unit unit, Instrument instrument);
  void remove(Slot series);

  // The value of this step. What is not set has no news (a slow series); nullopt: its reading failed.
  void set(Slot series, std::optional<double> value);
  void step(MonoTime at, WallTime wall);

  const GroupScore& group(GroupSlot group) const;  // of the last step
  // How much this series has departed lately; among the series of a group the order of blame.
  float evidence(Slot series) const;

  // An incident is open, or people work here: nothing of the group is learned as normal.
  void hold(GroupSlot group, bool held);
  // A level that has been far off for kAdoptDays is taken for the new normal all the same.
  // Boot, a step of the clock, a hot-plug: differences to what was before mean nothing.
  void forget_changes();

  // An incident that needs no model to be believed began here: evidence for and against the models on trial.
  void proved(GroupSlot group);

  std::vector<ModelHealth> health() const;
  // What a step of this model took, as measured outside: nanoseconds per series. Unknown names are ignored.
  void note_cost(std::string_view model, double ns);
  // The circuit breaker from outside: the model is out until it has rested, and is tried again as new.
  void take_out(std::string_view model, std::string_view reason);
  std::size_t series_count() const;
  std::size_t bytes_used() const;

  // Of one series, so that it can be found again by its name after a restart.
  void save(Slot series, StateWriter& writer) const;
  bool load(Slot series, StateReader& reader);
  // Of the group itself (thresholds, history of its scores, group models).
  void save_group(GroupSlot group, StateWriter& writer) const;
  bool load_group(GroupSlot group, StateReader& reader);
  // How the models on trial have done.
  void save_models(StateWriter& writer) const;
  bool load_models(StateReader& reader);
  // All of it, for a snapshot: a scorer that was made with the same configuration goes on as this one would. What
  // cannot be fails the reader, and the scorer is of no use then.
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);
  bool has(Slot series) const;
  bool has_group(GroupSlot group) const;
  std::size_t slots() const;  // of series, also free ones
  // How often a circuit breaker took a model out.
  std::uint64_t breaker_trips() const;

  struct Internals;

 private:
  explicit Scorer(std::unique_ptr<Internals> internals);
  std::unique_ptr<Internals> internals_;
};

}  // namespace hostmedic::detect
