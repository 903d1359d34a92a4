// SPDX-License-Identifier: Apache-2.0
// The clock on the wall of a place: POSIX TZ rules such as "CET-1CEST,M3.5.0,M10.5.0/3", which also end every file of
// the zone database. They hold for today and the years to come; how a place kept its time in the past, and changes
// that follow no rule (Ramadan in Morocco), they do not say. Plain values; pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic::detect {

struct ZoneRule {
  // The moment of a year at which the clock is changed.
  struct Change {
    enum class Day : std::uint8_t {
      of_week,      // Mm.w.d: weekday `day` (0: Sunday) of week `week` (5: the last) of month `month`
      of_year,      // n: day 0 to 365
      of_365_days,  // Jn: day 1 to 365, and 29 February is not counted
    };
    Day kind = Day::of_week;
    int month = 0, week = 0, day = 0;
    int time = 7200;  // seconds after midnight, by the clock that was in force; may be of another day
    bool operator==(const Change&) const = default;
  };
  std::string name = "UTC";      // as people call it: "Europe/Berlin"
  int standard = 0, summer = 0;  // seconds east of UTC
  bool changes = false;          // it has a summer time
  Change begins, ends;           // of it
  bool operator==(const ZoneRule&) const = default;
};

// name: how the zone is called. Error malformed says what was expected.
Result<ZoneRule> parse_zone_rule(std::string_view posix, std::string name);

// Seconds east of UTC at that moment.
int offset_at(const ZoneRule& zone, WallTime at);

// A moment as the clock shows it: seconds since 1970 in the count of the place itself.
struct LocalTime {
  std::int64_t seconds = 0;
  std::int64_t day() const;  // days since 1970-01-01
  int second_of_day() const;
};
LocalTime local_time(const ZoneRule& zone, WallTime at);
// The moment at which the clock shows it. Shown twice: the first; skipped: as far behind the change as it would have
// been without one.
WallTime moment_of(const ZoneRule& zone, LocalTime local);

// "2026-12-24" or "2026-12-24 18:00" (also with a T, and with seconds), by the clock of the zone; with a Z at its end
// by UTC.
Result<WallTime> parse_local(std::string_view text, const ZoneRule& zone);

}  // namespace hostmedic::detect
