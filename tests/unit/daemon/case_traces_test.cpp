// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/case_traces.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/daemon/case_json.h"

using namespace hostmedic;

namespace {
WallTime at(int seconds) { return wall_from_ns(1'795'227'600'000'000'000) + std::chrono::seconds(seconds); }
}  // namespace

TEST_CASE("of many points those that stand out stay, in their order") {
  std::vector<std::pair<WallTime, double>> points;
  for (int i = 0; i < 1000; ++i) points.emplace_back(at(i), i == 500 ? 99.0 : i == 720 ? -99.0 : i % 7);
  const auto few = thinned(points, 120);
  CHECK(few.size() <= 120);
  CHECK(few.size() > 60);
  CHECK(std::ranges::is_sorted(few, {}, &std::pair<WallTime, double>::first));
  CHECK(std::ranges::max_element(few, {}, &std::pair<WallTime, double>::second)->first == at(500));
  CHECK(std::ranges::min_element(few, {}, &std::pair<WallTime, double>::second)->first == at(720));
  points.resize(120);
  CHECK(thinned(points, 120) == points);
  CHECK(thinned({}, 120).empty());
  CHECK(thinned(std::vector(500, std::pair(at(0), 1.0)), 120).size() <= 120);
}

TEST_CASE("why there are no curves is said") {
  Incident incident;
  incident.id = "aabbccdd00112233";
  incident.fault_at = at(0);
  const RecordedPlaces nowhere{.dir = "/nonexistent/recorder", .off = true, .since = {}};
  CHECK(case_traces(incident, at(9), nowhere).missing == "none of the signals is a number over time");
  Anomaly anomaly;
  anomaly.signal = "system.cpu.utilization";
  anomaly.value = 0.9;
  incident.anomalies.push_back(anomaly);
  CHECK(case_traces(incident, at(9), nowhere).missing == "the flight recorder is off");
  const RecordedPlaces empty{.dir = "/nonexistent/recorder", .off = false, .since = at(-3600)};
  CHECK(case_traces(incident, at(9), empty).missing == "no recording of that time");
}

TEST_CASE("traces as JSON") {
  const std::vector<Trace> traces{{{EntityKind::host, ""}, "system.cpu.utilization", Unit::ratio, {{at(1), 0.5}}}};
  const auto json = traces_json(traces);
  CHECK(json.at(0).at("entity") == "host");
  CHECK(json.at(0).at("unit") == "1");
  CHECK(json.at(0).at("points").at(0).at(0).as_int64() == to_ns(at(1)) / 1'000'000);
  CHECK(json.at(0).at("points").at(0).at(1).as_double() == 0.5);
}
