// SPDX-License-Identifier: Apache-2.0
// A point in time as files of measurements write it. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "agent/base/time.h"

namespace hostmedic {

// "2014-02-14 14:30:00", "2014-02-14T14:30:00.25Z", "2014-02-14T14:30+02:00", "2014-02-14": in UTC where no offset is
// given; years 1970 to 2199.
std::optional<WallTime> parse_iso_time(std::string_view text);
// Seconds since 1970; numbers that would lie beyond the year 5000 are milliseconds, microseconds or nanoseconds.
std::optional<WallTime> parse_epoch_time(std::string_view text);

}  // namespace hostmedic
