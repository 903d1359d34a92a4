// SPDX-License-Identifier: Apache-2.0
// Times as cron(8) writes them: "minute hour day-of-month month day-of-week", each with lists, ranges, steps and, for
// the last two, names. As there, a day counts when either of the two fields for days says so, unless one of them is a
// star. Plain values; pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"
#include "detect/calendar/zone_rule.h"

namespace hostmedic::detect {

// One bit per value.
struct Cron {
  std::uint64_t minutes = 0;   // 0..59
  std::uint32_t hours = 0;     // 0..23
  std::uint32_t days = 0;      // 1..31, of the month
  std::uint32_t months = 0;    // 1..12
  std::uint32_t weekdays = 0;  // 0..6, 0: Sunday
  bool any_day = true, any_weekday = true;
  bool operator==(const Cron&) const = default;

  bool has_day(std::int64_t day) const;  // days since 1970-01-01
};

// Error malformed names the field and what is wrong with it.
Result<Cron> parse_cron(std::string_view text);

// The last moment of the schedule that is not after `at` and after `since`, if there is one. Looks at each day between
// them and at no more than the minutes of two of them.
std::optional<WallTime> last_start(const Cron& cron, const ZoneRule& zone, WallTime since, WallTime at);

}  // namespace hostmedic::detect
