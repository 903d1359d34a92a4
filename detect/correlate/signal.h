// SPDX-License-Identifier: Apache-2.0
// What the engine tells the case book: one rule's word about one entity. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "detect/detector.h"
#include "detect/model/frame.h"
#include "detect/model/incident.h"

namespace hostmedic::detect {

// Stands as the detector of a rule that says its evidence itself.
inline constexpr std::string_view kConditionDetector = "condition";

// Stands for all when too much departs at once.
inline constexpr std::string_view kStormRule = "storm", kSystemic = "systemic";

// What correlation needs to know of a rule, whether it watches a series or an event.
struct SignalRule {
  std::string id;
  std::string source;  // metric name or event kind: what counts as one independent signal
  std::string incident_kind;
  std::string detector;  // empty for an event, and for what speaks in words of its own
  Severity severity{};
  bool proof = false;
  bool opens = true;
  Duration quiet_after{};
  Duration expires{};
  Duration open_after{};
  bool of_all = false;  // looks at all series of its entity, and so at those that other rules watch

  bool is_event() const { return detector.empty(); }
};

enum class SignalPhase : std::uint8_t {
  firing,
  cooling,  // quiet, not yet for long enough
  settled,  // quiet; kept as evidence
};

struct Signal {
  std::uint32_t rule = 0;
  std::string attributes;  // of the series
  SignalPhase phase = SignalPhase::firing;
  bool stale = false;            // the stream that said so ended; nothing is known since
  bool bound = false;            // a detector of the present stream watches it
  std::optional<MonoTime> gone;  // its entity was retired then, and is not back
  Unit unit{};
  std::optional<double> value;
  Finding finding;            // the last that fired; reason is not kept
  MonoTime started, changed;  // of the present phase firing; of the present phase
  MonoTime last;              // last time it was seen firing
  WallTime since_wall;
  Duration open_after{};  // of this start
  bool initial = false;   // found at start: when it began is not known
  std::string evidence;
};

}  // namespace hostmedic::detect
