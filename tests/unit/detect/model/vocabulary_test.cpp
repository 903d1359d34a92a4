// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>

#include "detect/model/incident.h"
#include "detect/model/names.h"

using namespace hostmedic;

TEST_CASE("entities as text and back") {
  for (int i = 0; i < kEntityKindCount; ++i) {
    const Entity entity{static_cast<EntityKind>(i), i == 0 ? "" : "a:b"};
    CHECK(entity_from(to_string(entity)) == entity);
  }
  CHECK(to_string(Entity{EntityKind::service, "nginx.service"}) == "service:nginx.service");
  CHECK(to_string(Entity{}) == "host");
  CHECK_FALSE(entity_from("service"));
  CHECK_FALSE(entity_from("service:"));
  CHECK_FALSE(entity_from("planet:mars"));
  CHECK_FALSE(entity_from(""));
  CHECK_FALSE(entity_from("service:" + std::string(kMostEntityName + 1, 'x')));
}

TEST_CASE("words and back") {
  for (int i = 0; i < kUnitCount; ++i) CHECK(unit_from(to_string(static_cast<Unit>(i))) == static_cast<Unit>(i));
  for (int i = 0; i < 4; ++i) CHECK(severity_from(to_string(static_cast<Severity>(i))) == static_cast<Severity>(i));
  for (int i = 0; i < 6; ++i)
    CHECK(incident_state_from(to_string(static_cast<IncidentState>(i))) == static_cast<IncidentState>(i));
  for (int i = 0; i < 15; ++i)
    CHECK(timeline_kind_from(to_string(static_cast<TimelineKind>(i))) == static_cast<TimelineKind>(i));
  std::set<std::string_view> events;
  for (int i = 0; i < kEventKindCount; ++i) events.insert(to_string(static_cast<EventKind>(i)));
  CHECK(events.size() == kEventKindCount);
  CHECK_FALSE(events.contains("unknown"));
  CHECK(to_string(TimelineKind::note) == "note");
  CHECK_FALSE(severity_from("bad"));
}

TEST_CASE("every name in the table is there once") {
  std::set<std::string_view> names;
  for (const MetricInfo* info : metric::all()) {
    CHECK(names.insert(info->name).second);
    CHECK_FALSE(info->doc.empty());
  }
  CHECK(names.size() >= 36);
}

TEST_CASE("a full timeline says how many entries are missing") {
  Incident incident;
  for (std::size_t i = 0; i < kMostTimeline; ++i)
    add_timeline(incident, wall_from_ns(static_cast<std::int64_t>(i)), TimelineKind::note, "n");
  CHECK(incident.timeline.back().text == "n");
  add_timeline(incident, wall_from_ns(500), TimelineKind::acted, "first over");
  CHECK(incident.timeline.size() == kMostTimeline);
  CHECK(incident.timeline.back().text == "2 entries were left out, the latest: first over");
  add_timeline(incident, wall_from_ns(501), TimelineKind::resolved, "last");
  CHECK(incident.timeline.size() == kMostTimeline);
  CHECK(incident.timeline.back().text == "3 entries were left out, the latest: last");
  CHECK(incident.timeline.back().at == wall_from_ns(501));
}
