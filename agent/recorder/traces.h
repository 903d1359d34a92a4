// SPDX-License-Identifier: Apache-2.0
// What signals did over a while, from a kept recording or from the ring: for plots. Reads files; a thread that may
// wait.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/series.h"

namespace hostmedic {

struct TraceWish {
  Entity entity;
  std::string signal;  // as in Anomaly::signal: "system.cpu.time{cpu.mode=user}"
};

struct Trace {
  Entity entity;
  std::string signal;
  Unit unit{};                                      // of the points: a counter is told as its rate
  std::vector<std::pair<WallTime, double>> points;  // by time; what was unknown is not there
};
// More than so many readings are told as means of as many equal parts of the time.
inline constexpr std::size_t kMostTracePoints = 600;

// path: a kept recording (state_dir/recorder/kept/ID.hmrec) or the ring's directory (state_dir/recorder). A wish that
// names no series there (an event's kind, a model) gives no trace. Error not_found: no such recording; malformed: not
// one. What can be read of a damaged one is read.
Result<std::vector<Trace>> read_traces(const std::string& path, WallTime from, WallTime to,
                                       std::span<const TraceWish> wishes);

}  // namespace hostmedic
