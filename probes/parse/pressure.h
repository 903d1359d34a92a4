// SPDX-License-Identifier: Apache-2.0
// /proc/pressure/{cpu,memory,io}: total stall time. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// Microseconds since boot in which some task, or all of them, waited. "full" is absent for cpu before Linux 5.13.
struct Pressure {
  std::uint64_t some_us = 0;
  std::optional<std::uint64_t> full_us;
};

// malformed: no "some" line, a line without total=, a number that is none, a cut line.
Result<Pressure> parse_pressure(std::string_view text);

}  // namespace hostmedic
