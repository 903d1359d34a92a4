// SPDX-License-Identifier: Apache-2.0
// /proc/loadavg. Pure; any thread.
#pragma once

#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct LoadAverage {
  double one_minute = 0, five_minutes = 0, fifteen_minutes = 0;
};

// malformed: fewer than three numbers, one that is none or negative, a cut line.
Result<LoadAverage> parse_loadavg(std::string_view text);

}  // namespace hostmedic
