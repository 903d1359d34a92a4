// SPDX-License-Identifier: Apache-2.0
#include "detect/calendar/cron.h"

#include <doctest/doctest.h>

#include "detect/calendar/calendar.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

const ZoneRule kUtc;
ZoneRule berlin() { return *parse_zone_rule("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin"); }
Cron cron_of(std::string_view text) {
  const auto cron = parse_cron(text);
  REQUIRE_MESSAGE(cron, text);
  return *cron;
}
WallTime utc(std::string_view text) { return *parse_local(text, kUtc); }
// The last start within 40 days, as text.
std::string last(std::string_view cron, std::string_view at, const ZoneRule& zone = kUtc) {
  const auto start = last_start(cron_of(cron), zone, utc(at) - std::chrono::days(40), utc(at));
  return start ? format_utc(*start).substr(0, 16) : "never";
}

}  // namespace

TEST_CASE("cron: fields with lists, ranges, steps and names") {
  CHECK(last("0 2 * * *", "2026-11-21 17:00") == "2026-11-21T02:00");
  CHECK(last("0 2 * * *", "2026-11-21 02:00") == "2026-11-21T02:00");
  CHECK(last("0 2 * * *", "2026-11-21 01:59:59") == "2026-11-20T02:00");
  CHECK(last("*/15 * * * *", "2026-11-21 17:44") == "2026-11-21T17:30");
  CHECK(last("5-20/5,50 * * * *", "2026-11-21 17:44") == "2026-11-21T17:20");
  CHECK(last("30 22 * * fri", "2026-11-21 17:00") == "2026-11-20T22:30");
  CHECK(last("30 22 * * MON-Fri", "2026-11-23 12:00") == "2026-11-20T22:30");
  CHECK(last("0 0 * * 7", "2026-11-21 17:00") == "2026-11-15T00:00");
  CHECK(last("0 0 * * 5-7", "2026-11-22 17:00") == "2026-11-22T00:00");
  CHECK(last("0 0 1 * *", "2026-11-21 17:00") == "2026-11-01T00:00");
  CHECK(last("0 0 29 feb *", "2028-03-01 17:00") == "2028-02-29T00:00");
  CHECK(last("0 0 29 feb *", "2026-03-01 17:00") == "never");
  // Both fields for days: either of them.
  CHECK(last("0 0 13 * fri", "2026-11-21 17:00") == "2026-11-20T00:00");
  CHECK(last("0 0 21 * fri", "2026-11-21 17:00") == "2026-11-21T00:00");
  // One of them begins with a star: both of them.
  CHECK(last("0 0 */2 * sat", "2026-11-21 17:00") == "2026-11-21T00:00");
  CHECK(last("0 0 2-30/2 * sat", "2026-11-21 17:00") == "2026-11-21T00:00");
}

TEST_CASE("cron: what is wrong is named") {
  for (const auto& [text, part] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", "five fields"},
                                                                  {"* * * *", "five fields"},
                                                                  {"* * * * * *", "more than five"},
                                                                  {"60 * * * *", "minute"},
                                                                  {"* 24 * * *", "hour"},
                                                                  {"* * 0 * *", "day of the month"},
                                                                  {"* * * 13 *", "month"},
                                                                  {"* * * jann *", "month"},
                                                                  {"* * * * 8", "day of the week"},
                                                                  {"5-1 * * * *", "minute"},
                                                                  {"*/0 * * * *", "minute"},
                                                                  {"1,,2 * * * *", "minute"},
                                                                  {"- * * * *", "minute"},
                                                                  {"@daily", "minute"}}) {
    const auto cron = parse_cron(text);
    REQUIRE_MESSAGE(!cron, text);
    CHECK_MESSAGE(cron.error().message().find(part) != std::string::npos, text << ": " << cron.error().message());
  }
}

TEST_CASE("cron: by the clock of a zone, when it is set forward and back") {
  CHECK(last("0 2 * * *", "2026-07-01 12:00", berlin()) == "2026-07-01T00:00");
  CHECK(last("0 2 * * *", "2026-01-01 12:00", berlin()) == "2026-01-01T01:00");
  // 29 March: 02:30 is skipped and comes at 03:30 of the new time.
  CHECK(last("30 2 * * *", "2026-03-29 01:29", berlin()) == "2026-03-28T01:30");
  CHECK(last("30 2 * * *", "2026-03-29 01:30", berlin()) == "2026-03-29T01:30");
  CHECK(last("30 2 * * *", "2026-03-30 00:30", berlin()) == "2026-03-30T00:30");
  // 25 October: 02:30 is shown twice and counts once.
  CHECK(last("30 2 * * *", "2026-10-25 05:00", berlin()) == "2026-10-25T00:30");
  CHECK(last("30 2 * * *", "2026-10-26 01:29", berlin()) == "2026-10-25T00:30");
  CHECK(last("0 * * * *", "2026-10-25 02:10", berlin()) == "2026-10-25T02:00");
}

TEST_CASE("schedule: windows over midnight, over a change of the clock, and longer than their interval") {
  Schedule night{.cron = cron_of("0 22 * * *"), .length = std::chrono::hours(4), .zone = kUtc};
  CHECK(!night.ends(utc("2026-11-21 21:59:59")));
  CHECK(night.ends(utc("2026-11-21 22:00")) == utc("2026-11-22 02:00"));
  CHECK(night.ends(utc("2026-11-22 01:59:59")) == utc("2026-11-22 02:00"));
  CHECK(!night.ends(utc("2026-11-22 02:00")));
  // The length is real time: from 22:00 in winter to 03:00 in summer.
  Schedule spring{.cron = cron_of("0 22 * * sat"), .length = std::chrono::hours(4), .zone = berlin()};
  CHECK(spring.ends(utc("2026-03-29 00:30")) == utc("2026-03-29 01:00"));
  CHECK(!spring.ends(utc("2026-03-29 01:00")));
  Schedule always{.cron = cron_of("0 0 * * *"), .length = std::chrono::hours(30), .zone = kUtc};
  for (int hour = 0; hour < 48; ++hour) CHECK(always.ends(utc("2026-11-21 00:00") + std::chrono::hours(hour)));
  Schedule month{.cron = cron_of("0 0 1 * *"), .length = kLongestWindow, .zone = kUtc};
  CHECK(month.ends(utc("2026-11-30 23:59")) == utc("2026-12-02 00:00"));
  const Schedule once{.from = utc("2026-12-24"), .until = utc("2026-12-27")};
  CHECK(!once.ends(utc("2026-12-23 23:59:59")));
  CHECK(once.ends(utc("2026-12-24")) == utc("2026-12-27"));
  CHECK(!once.ends(utc("2026-12-27")));
}

TEST_CASE("calendar: covers by patterns, and tells when another set holds") {
  const Entity shop{EntityKind::service, "shop.service"}, other{EntityKind::service, "db.service"};
  ExpectedEntry sale{.name = "sale", .entity = "service:shop*", .series = "http.*", .factor = 10};
  sale.schedule = {.from = utc("2026-11-27 00:00:30"), .until = utc("2026-11-27 00:00:40")};
  ExpectedEntry backup{.name = "backup", .series = "*disk*", .shadow = true};
  backup.schedule = {.cron = cron_of("1 0 * * *"), .length = std::chrono::minutes(2), .zone = kUtc};
  Calendar calendar({backup});
  calendar.set_once({sale});
  const WallTime begin = utc("2026-11-27");
  int turns = 0;
  for (int second = 0; second < 300; ++second) {
    turns += calendar.turn(begin + std::chrono::seconds(second)) ? 1 : 0;
    const bool in_sale = second >= 30 && second < 40, in_backup = second >= 60 && second < 180;
    CHECK(calendar.of(shop, "http.requests").any() == in_sale);
    CHECK(!calendar.of(other, "http.requests").any());
    CHECK(calendar.of({}, "system.disk.io").shadow == in_backup);
    CHECK(calendar.context(shop).empty() == !(in_sale || in_backup));
  }
  CHECK(turns == 5);  // the first look, and each beginning and end
  // The clock is set back into the window.
  CHECK(calendar.turn(begin + std::chrono::seconds(35)));
  CHECK(calendar.of(shop, "http.requests").factor == 10);
  calendar.set_once({});
  CHECK(calendar.turn(begin + std::chrono::seconds(36)));
  CHECK(!calendar.of(shop, "http.requests").any());
}

TEST_CASE("calendar: a factor excuses what is near to what is usual") {
  const Expectation ten{.factor = 10};
  CHECK(ten.excuses(99, 10));
  CHECK(ten.excuses(1, 10));
  CHECK(!ten.excuses(101, 10));
  CHECK(!ten.excuses(0.9, 10));
  CHECK(ten.excuses(-50, -10));
  CHECK(!ten.excuses(-50, 10));
  CHECK(!ten.excuses(5, 0));
  CHECK(ten.excuses(0, 0));
  CHECK(!Expectation{}.excuses(10, 10));
}
