// SPDX-License-Identifier: Apache-2.0
// What the signals of an incident did, from two minutes before the fault to now or to half a minute after its end, at
// most half an hour. From the ring while that reaches back so far, else from the incident's kept recording. Reads
// files; a thread that may wait.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/recorder/traces.h"
#include "detect/model/incident.h"

namespace hostmedic {

struct RecordedPlaces {
  std::string dir;                // the recorder's
  bool off = false;               // nothing is recorded now; what was kept is still there
  std::optional<WallTime> since;  // how far the ring reaches back
};

struct CaseTraces {
  std::vector<Trace> traces;  // each of at most kMostCaseTracePoints
  std::string missing;        // why there are none; empty: there are
};
inline constexpr std::size_t kMostCaseTracePoints = 120;

CaseTraces case_traces(const Incident& incident, WallTime now, const RecordedPlaces& places);

// Of many points the least and the largest of each of equal parts, in their order: what stands out stays.
std::vector<std::pair<WallTime, double>> thinned(std::vector<std::pair<WallTime, double>> points, std::size_t most);

}  // namespace hostmedic
