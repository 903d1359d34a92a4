// SPDX-License-Identifier: Apache-2.0
// The contract of a model that looks at several series at once: those of one group (a host's memory, a service). Pure:
// no I/O, clock, or randomness but of the seed; no allocation in step(). One instance per group, one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "agent/base/time.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

// One tick of a group. Both spans have one entry per member, in the members' order; NaN where nothing is known.
struct GroupReading {
  MonoTime at;
  std::span<const float> values;      // the series, rates for counters, less the first value seen
  std::span<const float> deviations;  // signed: how many usual deviations the level is from its long mean
  bool learn = true;                  // false: an incident is open or people work here; judge, but take nothing in
};

class GroupModel {
 public:
  virtual ~GroupModel() = default;
  // There are this many members now; new ones come last. May allocate. At most kMostMembers.
  virtual void resize(std::size_t members) = 0;
  // Another series took this member's place: what is known of the old one is forgotten. No allocation.
  virtual void forget(std::size_t member) = 0;
  // The score, >= 0, in the model's own unit; NaN while it is learning.
  virtual float step(const GroupReading& reading) = 0;
  // How much each member had to do with the last score: shares that sum to 1, or all 0.
  virtual void shares(std::span<float> ret_shares) const = 0;
  // False: what it remembers are no numbers any more. Its score is then NaN until it is made anew or loaded.
  virtual bool healthy() const { return true; }
  // Of one that forecasts: the mean square of what it missed by of late, over that of the forecast that all stays as it
  // is. NaN for others, and while it is not known.
  virtual float loss() const { return std::numeric_limits<float>::quiet_NaN(); }
  virtual std::size_t bytes_used() const = 0;
  // All of it: a model of the same settings and members goes on from there bit by bit.
  virtual void save(StateWriter& writer) const = 0;
  // False when the bytes are not what save() of a model of the same settings wrote; the model is then as if new.
  virtual bool load(StateReader& reader) = 0;
};
inline constexpr std::size_t kMostMembers = 256;

struct GroupModelSettings {
  Duration interval;  // between readings
  std::uint64_t seed = 1;
};
struct GroupModelInfo {
  std::string_view name, summary, source;  // source: the publication of the algorithm
  std::unique_ptr<GroupModel> (*make)(const GroupModelSettings& settings);
  // Its score is in the unit of the evidence of single series, excess over three usual deviations to the power of 1.5,
  // and is added to theirs as it is. Of others only the order means something.
  bool evidence = false;
};
// All compiled-in group models, by explicit table.
std::span<const GroupModelInfo* const> all_group_models();
const GroupModelInfo* find_group_model(std::string_view name);

}  // namespace hostmedic::detect
