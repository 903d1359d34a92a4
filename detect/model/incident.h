// SPDX-License-Identifier: Apache-2.0
// Anomalies and the incident they become. Plain values, the vocabulary between detect, actions, store and net.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "detect/model/entity.h"
#include "detect/model/frame.h"

namespace hostmedic {

enum class Severity : std::uint8_t { info, warning, error, critical };
enum class Direction : std::uint8_t { none, above, below };
enum class IncidentState : std::uint8_t {
  open,        // seen, nothing done yet
  acting,      // an order is under way
  verifying,   // the effect is being proved
  resolved,    // the causing signals are quiet again
  escalated,   // a human is needed
  suppressed,  // silenced by a human or a rule
};
std::string_view to_string(Severity severity);
std::optional<Severity> severity_from(std::string_view text);
std::string_view to_string(Direction direction);
std::string_view to_string(IncidentState state);
std::optional<IncidentState> incident_state_from(std::string_view text);

// One signal that departed from what is normal.
struct Anomaly {
  Entity entity;
  std::string rule;        // which rule said so, "filesystem-forecast"
  std::string signal;      // series name with attributes, or event kind: what was looked at
  double probability = 0;  // 0..1 that this is a real problem
  Direction direction = Direction::none;
  std::optional<double> value;     // what was seen
  std::optional<double> expected;  // what it was compared with (limit, median, ...)
  Unit unit = Unit::count;
  std::string evidence;  // one plain sentence with the numbers
  MonoTime since;        // first moment it held
  WallTime since_wall;
  bool firing = true;  // false: quiet again, kept as evidence
  bool proof = false;  // enough by itself to act on
};

enum class TimelineKind : std::uint8_t {
  opened,
  evidence,
  diagnosed,
  planned,
  verdict,
  approval,
  ordered,
  acted,
  verified,
  undone,
  escalated,
  cleared,
  resolved,
  human,
  note,
};
std::string_view to_string(TimelineKind kind);
std::optional<TimelineKind> timeline_kind_from(std::string_view text);

struct TimelineEntry {
  WallTime at;
  TimelineKind kind{};
  std::string text;  // one plain sentence
  std::vector<Attribute> attributes;
};

struct Incident {
  std::string id;              // 16 hex digits, from root, kind and the opening time: the same input gives the same id
  std::uint32_t revision = 0;  // +1 with each change that is reported
  Entity root;
  std::string kind;         // "service.failed", "filesystem.filling"
  std::string fingerprint;  // 16 hex digits, equal for incidents of the same kind, root and signals on any host
  Severity severity = Severity::warning;
  IncidentState state = IncidentState::open;
  double confidence = 0;  // 0..1, that this is real
  int signals = 0;        // independent signals firing now or when it opened, the larger
  bool proof = false;     // one signal was proof by itself
  bool active = true;     // at least one causing signal still fires
  WallTime fault_at;      // first moment any signal departed
  WallTime opened_at;
  MonoTime opened_mono;
  std::optional<WallTime> closed_at;
  std::string summary;                  // one sentence: what, where, since when
  std::string diagnosis;                // why it and not the others; who causes it
  std::vector<Anomaly> anomalies;       // at most kMostAnomalies, strongest first
  std::vector<Entity> affected;         // others that suffer
  std::vector<Entity> causes;           // entities named as the cause, strongest first (the unit that writes the log)
  std::vector<TimelineEntry> timeline;  // at most kMostTimeline, oldest first; overflow is noted in its last entry
};
inline constexpr std::size_t kMostAnomalies = 16;
inline constexpr std::size_t kMostTimeline = 128;

// Appends, keeping the bound.
void add_timeline(Incident& incident, WallTime at, TimelineKind kind, std::string text,
                  std::vector<Attribute> attributes = {});

}  // namespace hostmedic
