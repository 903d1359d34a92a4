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

namespace hostmedic::detect {

struct Reading {
  MonoTime at;                  // when the probe read it; the only time a detector sees
  std::optional<double> value;  // nullopt: the read failed. A gap is neither a recovery nor a fault.
};

// unknown also means "cannot tell yet": a new detector says neither quiet nor firing before it has seen enough.
enum class State : std::uint8_t { unknown, quiet, firing };

struct Finding {
  State state = State::unknown;
  double score = 0;                  // in the detector's own unit, see its info
  double probability = 0;            // 0..1 that this is a real problem; 0 unless firing
  std::optional<double> expected{};  // what the value was compared with
  Direction direction = Direction::none;
  std::string_view reason{};  // a literal: "held above the limit"
  MonoTime since{};           // while firing: the first reading of what fires, before any hold
};

class Detector {
 public:
  virtual ~Detector() = default;
  virtual Finding step(const Reading& reading) = 0;  // in time order; never throws, never blocks
  virtual std::size_t bytes_used() const = 0;        // summed into the agent's own budget
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
};

// All compiled-in detectors, by explicit table.
std::span<const DetectorInfo* const> all_detectors();
const DetectorInfo* find_detector(std::string_view name);

}  // namespace hostmedic::detect
