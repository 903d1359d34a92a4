// SPDX-License-Identifier: Apache-2.0
#include "detect/calendar/zone_rule.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

constexpr std::int64_t kJanuary2026 = 1767225600;

WallTime at_second(std::int64_t seconds) { return wall_from_ns(seconds * 1'000'000'000); }
ZoneRule zone_of(std::string_view posix) {
  auto zone = parse_zone_rule(posix, std::string(posix));
  REQUIRE_MESSAGE(zone, posix);
  return *zone;
}
int libc_offset(std::int64_t seconds) {
  const std::time_t at = seconds;
  std::tm parts{};
  ::localtime_r(&at, &parts);
  return static_cast<int>(parts.tm_gmtoff);
}
WallTime utc(std::string_view text) {
  const auto at = parse_local(text, {});
  REQUIRE_MESSAGE(at, text);
  return *at;
}

}  // namespace

TEST_CASE("zone rules: the same offsets as the C library, at every change of five years") {
  for (const char* posix :
       {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "PST8PDT", "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "NZST-12NZDT,M9.5.0,M4.1.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
        "IST-1GMT0,M10.5.0,M3.5.0/1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "<+0545>-5:45", "CST5CDT,M3.2.0/0,M11.1.0/1", "XST-3XDT,J60/1,J300", "YST2YDT,59,300/5", "IST-5:30"}) {
    const ZoneRule zone = zone_of(posix);
    ::setenv("TZ", posix, 1);
    ::tzset();
    int changes = 0, before = libc_offset(kJanuary2026);
    for (std::int64_t hour = 0; hour < 5L * 366 * 24; ++hour) {
      const std::int64_t from = kJanuary2026 + hour * 3600;
      const int expected = libc_offset(from);
      CHECK_MESSAGE(offset_at(zone, at_second(from)) == expected, posix << " at " << from);
      if (expected == before) continue;
      ++changes;
      before = expected;
      for (std::int64_t second = from - 3600; second <= from;
           second += second > from - 5 || second < from - 3595 ? 1 : 29)
        CHECK_MESSAGE(offset_at(zone, at_second(second)) == libc_offset(second), posix << " at " << second);
    }
    CHECK(changes == (zone.changes ? 10 : 0));
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("zone rules: a moment by the clock, also where it is shown twice or not at all") {
  const ZoneRule berlin = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(*parse_local("2026-07-01 12:00", berlin) == utc("2026-07-01 10:00"));
  CHECK(*parse_local("2026-01-01", berlin) == utc("2025-12-31 23:00"));
  CHECK(*parse_local("2026-07-01T12:00:05", berlin) == utc("2026-07-01 10:00:05"));
  CHECK(*parse_local("2026-07-01 12:00Z", berlin) == utc("2026-07-01 12:00"));
  CHECK(*parse_local("2026-10-25 02:30", berlin) == utc("2026-10-25 00:30"));  // the first of two
  CHECK(*parse_local("2026-03-29 02:30", berlin) == utc("2026-03-29 01:30"));  // skipped: 03:30 in summer time
  const ZoneRule auckland = zone_of("NZST-12NZDT,M9.5.0,M4.1.0/3");
  CHECK(*parse_local("2026-04-05 02:30", auckland) == utc("2026-04-04 13:30"));
  CHECK(*parse_local("2026-09-27 02:30", auckland) == utc("2026-09-26 14:30"));
  for (const char* wrong : {"", "2026", "2026-13-01", "2026-02-29", "2026-01-01 24:00", "2026-01-01 1:00", "26-01-01",
                            "2026-01-01x00:00", "2026-01-01 10:60", "1950-01-01", "2026-01-0Z"})
    CHECK_MESSAGE(!parse_local(wrong, berlin), wrong);
}

TEST_CASE("zone rules: what is no rule is refused") {
  for (const char* wrong :
       {"", "CE-1", "CET", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/168", "CET-25", "<+01-1", "CET-1 ", "CET-1CEST,J0,J5",
        "CET-1CEST,366,5", "CET-1:60", "CET-99999999999999999999"})
    CHECK_MESSAGE(!parse_zone_rule(wrong, "x"), wrong);
}
