// SPDX-License-Identifier: Apache-2.0
// The contract of a detector. Pure: it sees time only inside the reading; no I/O, clock, randomness or allocation in
// step(). One instance per series, called from the pipeline's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/incident.h"
#include "detect/model/series.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

struct Reading {
  MonoTime at;                     // when the probe read it; the only time a detector sees
  std::optional<double> value;     // nullopt: the read failed. A gap is neither a recovery nor a fault.
  std::optional<WallTime> wall{};  // only to know the time of day; may step
  bool learn = true;  // false: an incident is open or people work here; judge, but take nothing in as normal
};
// Beyond this no host has anything; a detector takes it, NaN and infinity for a reading that failed.
inline constexpr double kMostValue = 1e30;
constexpr bool is_known(const std::optional<double>& value) {
  return value && *value >= -kMostValue && *value <= kMostValue;
}

// unknown also means "cannot tell yet": a new detector says neither quiet nor firing before it has seen enough.
enum class State : std::uint8_t { unknown, quiet, firing };

// In what way it departs, as far as it can be told by now.
enum class Departure : std::uint8_t {
  none,
  spike,        // it jumped, and has not stayed for long yet
  level_shift,  // it jumped and stays
  trend,        // it drifted there
  season,       // usual at another time of day, not at this one
  stuck,        // it used to move and does not
};
std::string_view to_string(Departure departure);  // as a sentence has it: "it jumped and stays"

struct Finding {
  State state = State::unknown;
  double score = 0;                  // in the detector's own unit, see its info
  double probability = 0;            // 0..1 that this is a real problem; 0 unless firing
  std::optional<double> expected{};  // what the value was compared with
  Direction direction = Direction::none;
  std::string_view reason{};              // a literal: "held above the limit"
  MonoTime since{};                       // while firing: the first reading of what fires, before any hold
  Departure departure = Departure::none;  // while firing
};

class Detector {
 public:
  virtual ~Detector() = default;
  virtual Finding step(const Reading& reading) = 0;  // in time order; never throws, never blocks
  virtual std::size_t bytes_used() const = 0;        // summed into the agent's own budget
  // What it has learned, for a restart; begins with the model's own version. A detector that learns nothing keeps
  // nothing. load() is for one that was just made with the same parameters; false: it is not what save() of this
  // version wrote, and the detector is as before.
  virtual void save(StateWriter& /*writer*/) const {}
  virtual bool load(StateReader& /*reader*/) { return false; }
  // All of its state, for a snapshot: one that was made with the same parameters goes on as this one would. What cannot
  // be fails the reader, and the detector is of no use then.
  virtual void save_whole(StateWriter& writer) const = 0;
  virtual void load_whole(StateReader& reader) = 0;
};

struct ParamSpec {
  std::string_view name;
  Unit unit;
  double fallback, min, max;  // fallback is the default
  std::string_view doc;
};

struct DetectorInfo {
  std::string_view name, summary;
  std::span<const ParamSpec> params;
  // values: one per spec, in its order, already within min..max.
  std::unique_ptr<Detector> (*make)(std::span<const double> values);
  bool usual = false;  // compares with what it learnt to be usual, and not with a limit
};

// All compiled-in detectors, by explicit table.
std::span<const DetectorInfo* const> all_detectors();
const DetectorInfo* find_detector(std::string_view name);

}  // namespace hostmedic::detect
