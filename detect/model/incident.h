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
  std::optional<double> normal_low = {}, normal_high = {};  // what is usual for it, where that is known
  bool firing = true;                                       // false: quiet again, kept as evidence
  bool proof = false;                                       // enough by itself to act on
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

// Another entity that suffers of the same fault.
struct Affected {
  Entity entity;
  std::string path;     // from it to the root: "service:nginx.service > service:app.service > service:db.service"
  std::string symptom;  // one plain sentence: what is seen of it
  bool operator==(const Affected&) const = default;
};

// What may be the root, and how likely that is, 0..1.
struct Candidate {
  Entity entity;
  double score = 0;
  std::string why;  // the parts of the score in plain words
  bool operator==(const Candidate&) const = default;
};

// Something that was changed shortly before, on the root or on what it depends on.
struct RecentChange {
  Entity entity;
  WallTime at;
  std::string text;        // "package hm-demo was upgraded from 1 to 2"
  double probability = 0;  // that it is the cause, 0..1
  bool operator==(const RecentChange&) const = default;
};

// One circumstance that was looked for.
struct ContextCheck {
  std::string what;   // "package change", "deployment", "maintenance", "boot", "expected event", ...
  std::string found;  // empty: it was looked for and there was none
  bool operator==(const ContextCheck&) const = default;
};

struct Incident {
  std::string id;              // 16 hex digits, from root, kind and the opening time: the same input gives the same id
  std::uint32_t revision = 0;  // +1 with each change that is reported
  Entity root;
  std::string kind;         // "service.failed", "filesystem.filling"
  std::string fingerprint;  // 16 hex digits, equal for incidents of the same kind, root and signals on any host
  Severity severity = Severity::warning;
  IncidentState state = IncidentState::open;
  double confidence = 0;   // 0..1, that this is real
  int signals = 0;         // independent signals firing now or when it opened, the larger
  bool proof = false;      // one signal was proof by itself
  bool active = true;      // at least one causing signal still fires
  bool suspicion = false;  // nothing independent confirms it yet: nobody is told, nothing is done
  int flaps = 0;           // how often it fell quiet and came back
  bool flapping = false;   // it did so too often: it stays open until it is quiet for long
  std::string part_of;     // id of the incident that explains this one; empty: it stands for itself
  WallTime fault_at;       // first moment any signal departed
  WallTime opened_at;
  MonoTime opened_mono;
  std::optional<WallTime> closed_at;
  std::string summary;                  // one sentence: what, where, since when
  std::string diagnosis;                // why it and not the others; who causes it
  std::vector<Anomaly> anomalies;       // at most kMostAnomalies, strongest first
  std::vector<Affected> affected;       // others that suffer; at most kMostAffected, nearest first
  std::vector<Entity> causes;           // entities named as the cause, strongest first (the unit that writes the log)
  std::vector<Candidate> candidates;    // for the root, best first, at most kMostCandidates; the first is the root
  std::vector<RecentChange> changes;    // at most kMostChanges, likeliest first
  std::vector<ContextCheck> context;    // what else was looked for
  std::string acknowledged_by;          // a human knows; empty: nobody said so
  std::vector<TimelineEntry> timeline;  // at most kMostTimeline, oldest first; overflow is noted in its last entry
};
inline constexpr std::size_t kMostAnomalies = 16;
inline constexpr std::size_t kMostTimeline = 128;
inline constexpr std::size_t kMostAffected = 32;
inline constexpr std::size_t kMostCandidates = 5;
inline constexpr std::size_t kMostChanges = 5;

// Appends, keeping the bound.
void add_timeline(Incident& incident, WallTime at, TimelineKind kind, std::string text,
                  std::vector<Attribute> attributes = {});

}  // namespace hostmedic
