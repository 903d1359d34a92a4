// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/case_traces.h"

#include <algorithm>

#include "agent/recorder/kept.h"

namespace hostmedic {

namespace {

constexpr Duration kBefore = std::chrono::minutes(2), kAfter = std::chrono::seconds(30);
constexpr Duration kLongest = std::chrono::minutes(30);  // reading takes time that others of the worker wait for

// What is no series (an event, a verdict of the models) has no curve.
std::vector<TraceWish> wishes_of(const Incident& incident) {
  std::vector<TraceWish> wishes;
  for (const Anomaly& anomaly : incident.anomalies)
    if (anomaly.value) wishes.push_back({anomaly.entity, anomaly.signal});
  return wishes;
}

}  // namespace

std::vector<std::pair<WallTime, double>> thinned(std::vector<std::pair<WallTime, double>> points, std::size_t most) {
  if (points.size() <= most) return points;
  std::vector<std::pair<WallTime, double>> out;
  const std::size_t parts = most / 2;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto at = [&](std::size_t part) {
      return points.begin() + static_cast<std::ptrdiff_t>(points.size() * part / parts);
    };
    const auto [least, largest] =
        std::minmax_element(at(i), at(i + 1), [](const auto& a, const auto& b) { return a.second < b.second; });
    out.push_back(*std::min(least, largest));
    if (least != largest) out.push_back(*std::max(least, largest));
  }
  return out;
}

CaseTraces case_traces(const Incident& incident, WallTime now, const RecordedPlaces& places) {
  const std::vector<TraceWish> wishes = wishes_of(incident);
  if (wishes.empty()) return {{}, "none of the signals is a number over time"};
  const WallTime from = incident.fault_at - kBefore;
  const WallTime to = std::min(incident.closed_at ? std::min(*incident.closed_at + kAfter, now) : now, from + kLongest);
  const std::string kept = Kept::path_of(places.dir + "/kept", incident.id);
  const bool in_ring = places.since && *places.since <= from;
  auto traces = read_traces(in_ring ? places.dir : kept, from, to, wishes);
  if (!traces && !in_ring && places.since) traces = read_traces(places.dir, from, to, wishes);
  if (!traces || traces->empty()) {
    if (!traces && traces.error().code != ErrorCode::not_found) return {{}, traces.error().message()};
    return {{}, places.off ? "the flight recorder is off" : "no recording of that time"};
  }
  for (Trace& trace : *traces) trace.points = thinned(std::move(trace.points), kMostCaseTracePoints);
  return {std::move(*traces), ""};
}

}  // namespace hostmedic
