// SPDX-License-Identifier: Apache-2.0
// The vocabulary as whole state (whole_state.h): the members of each struct in the order of their declaration, and the
// last value of each enumeration.
#pragma once

#include "detect/model/frame.h"
#include "detect/model/incident.h"
#include "detect/model/whole_state.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<EntityKind> = EntityKind{kEntityKindCount - 1};
template <>
inline constexpr auto kLast<EntityId> = EntityId{kMostEntities - 1};
template <>
inline constexpr auto kLast<SeriesId> = SeriesId{kMostSeries - 1};
template <>
inline constexpr auto kLast<Unit> = Unit{kUnitCount - 1};
template <>
inline constexpr auto kLast<Instrument> = Instrument::counter;
template <>
inline constexpr auto kLast<EventKind> = EventKind{kEventKindCount - 1};
template <>
inline constexpr auto kLast<Severity> = Severity::critical;
template <>
inline constexpr auto kLast<Direction> = Direction::below;
template <>
inline constexpr auto kLast<IncidentState> = IncidentState::suppressed;
template <>
inline constexpr auto kLast<TimelineKind> = TimelineKind::note;

template <>
struct Members<Entity> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.kind, self.name);
  }
};
template <>
struct Members<SeriesDef> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.id, self.entity, self.name, self.attributes, self.unit, self.instrument);
  }
};
template <>
struct Members<Attribute> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.key, self.value);
  }
};
template <>
struct Members<Event> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.kind, self.entity, self.at, self.attributes);
  }
};
template <>
struct Members<Anomaly> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.entity, self.rule, self.signal, self.probability, self.direction, self.value, self.expected,
                    self.unit, self.evidence, self.since, self.since_wall, self.normal_low, self.normal_high,
                    self.firing, self.proof);
  }
};
template <>
struct Members<TimelineEntry> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.at, self.kind, self.text, self.attributes);
  }
};
template <>
struct Members<Affected> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.entity, self.path, self.symptom);
  }
};
template <>
struct Members<Candidate> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.entity, self.score, self.why);
  }
};
template <>
struct Members<RecentChange> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.entity, self.at, self.text, self.probability);
  }
};
template <>
struct Members<ContextCheck> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.what, self.found);
  }
};
template <>
struct Members<Incident> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.id, self.revision, self.root, self.kind, self.fingerprint, self.severity, self.state,
                    self.confidence, self.signals, self.proof, self.active, self.suspicion, self.flaps, self.flapping,
                    self.part_of, self.fault_at, self.opened_at, self.opened_mono, self.closed_at, self.summary,
                    self.diagnosis, self.anomalies, self.affected, self.causes, self.candidates, self.changes,
                    self.context, self.acknowledged_by, self.timeline);
  }
};

}  // namespace hostmedic::detect
