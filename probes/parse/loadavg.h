// SPDX-License-Identifier: Apache-2.0
// /proc/loadavg: load averages and the number of threads. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct LoadAverage {
  double one_minute = 0, five_minutes = 0, fifteen_minutes = 0;
  std::uint64_t threads = 0;  // of all processes
};

// malformed: fewer than three numbers and running/threads, one that is none or negative, a cut line.
Result<LoadAverage> parse_loadavg(std::string_view text);

}  // namespace hostmedic
