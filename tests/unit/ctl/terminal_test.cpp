// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/terminal.h"

#include <doctest/doctest.h>

using namespace hostmedic;

namespace {
Look wide(std::size_t width) {
  return {.colour = false, .width = width, .now = wall_from_ns(1'795'227'600'000'000'000)};
}
}  // namespace

TEST_CASE("text is broken at blanks, continued under its beginning, and left alone without a terminal") {
  CHECK(wrap(wide(30), "one two three four five six seven", 4) == "one two three four five\n    six seven");
  CHECK(wrap(wide(0), std::string(500, 'x') + " y", 4) == std::string(500, 'x') + " y");
  CHECK(wrap(wide(30), std::string(60, 'x') + " y", 4) == std::string(60, 'x') + "\n    y");
  CHECK(wrap(wide(30), "", 4).empty());
  // Too narrow to help anybody.
  CHECK(wrap(wide(20), "one two three four five six seven", 10) == "one two three four five six seven");
}

TEST_CASE("columns of a table are as wide as their widest cell, counted in characters") {
  Table table({"A", "B"});
  table.add({{"\xc3\xa9\xc3\xa9"}, {"x"}});
  table.add({{"abcd"}, {"y"}});
  CHECK(table.render(wide(0)) == "A     B\n\xc3\xa9\xc3\xa9    x\nabcd  y\n");
}

TEST_CASE("wide characters take two columns, combining marks none, and a cut leaves none in half") {
  CHECK(columns_of("abc") == 3);
  CHECK(columns_of("日本") == 4);
  CHECK(columns_of("e\xcc\x81") == 1);  // e and a combining acute accent
  CHECK(columns_of("\xf0\x9f\x94\xa5") == 2);
  CHECK(columns_of("▁▂█") == 3);
  CHECK(columns_of("\xff\xc3") == 2);  // no UTF-8: each byte a column
  CHECK(fitted("abcdef", 6) == "abcdef");
  CHECK(fitted("abcdefg", 6) == "abc...");
  CHECK(fitted("日本語日本語", 7) == "日本...");
  CHECK(fitted("日本語日本語", 6) == "日...");
  CHECK(fitted("abcdef", 2) == "..");
  Table table({}, 0);
  table.add({{"日本"}, {"x"}});
  table.add({{"abcde"}, {"y"}});
  CHECK(table.render(wide(0)) == "日本   x\nabcde  y\n");
}

TEST_CASE("colour is only written where it is wanted") {
  CHECK(paint({.colour = true, .width = 0, .now = {}}, Tone::bad, "x") == "\x1b[31mx\x1b[0m");
  CHECK(paint(wide(0), Tone::bad, "x") == "x");
  CHECK(paint({.colour = true, .width = 0, .now = {}}, Tone::plain, "x") == "x");
}

TEST_CASE("times are told against now and against the beginning") {
  const WallTime now = wide(0).now;
  CHECK(relative(now, now) == "now");
  CHECK(relative(now - std::chrono::seconds(200), now) == "3m20s ago");
  CHECK(relative(now + std::chrono::minutes(5), now) == "in 5m0s");
  CHECK(offset(now + std::chrono::milliseconds(1200), now) == "+1.2s");
  CHECK(offset(now - std::chrono::seconds(2), now) == "-2.0s");
  CHECK(clock_time(now, now) == "02:20:00Z");
  CHECK(clock_time(now - std::chrono::hours(24), now) == "2026-11-20 02:20:00Z");
}
