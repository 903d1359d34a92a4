// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/spark.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "agent/ctl/terminal.h"

using namespace hostmedic;

namespace {
const WallTime kFrom = wall_from_ns(1'795'227'600'000'000'000);
WallTime at(double seconds) { return kFrom + Duration(static_cast<std::int64_t>(seconds * 1e9)); }
SparkFrame frame() {
  return {
      .from = kFrom, .to = at(8), .fault = at(4), .low = {}, .high = {}, .direction = Direction::above, .columns = 8};
}
}  // namespace

TEST_CASE("a curve rises from left to right and the fault is marked") {
  std::vector<Point> points;
  for (int i = 0; i < 8; ++i) points.push_back({at(i + 0.5), 1.0 * i});
  CHECK(sparkline(points, frame(), true) == "▁▂▃▄│▅▆▇█");
  CHECK(sparkline(points, frame(), false) == "_.,-|=+*#");
}

TEST_CASE("a stretch without a value is a blank, not a zero") {
  const std::vector<Point> points{{at(0.5), 1}, {at(7.5), 2}, {at(3.5), std::nan("")}, {at(99), 50}};
  CHECK(sparkline(points, frame(), true) == "▁   │   █");
  CHECK(sparkline({}, frame(), true).empty());
  SparkFrame empty = frame();
  empty.to = empty.from;
  CHECK(sparkline(points, empty, true).empty());
}

TEST_CASE("of a stretch the departure shows: the largest, or the smallest where the signal fell") {
  const std::vector<Point> points{{at(0.2), 5}, {at(0.4), 9}, {at(0.6), 1}, {at(7.5), 5}};
  SparkFrame below = frame();
  below.direction = Direction::below;
  CHECK(sparkline(points, frame(), true) == "█   │   ▅");
  CHECK(sparkline(points, below, true) == "▁   │   ▅");
}

TEST_CASE("what is usual belongs to the scale; values that never change are low") {
  const std::vector<Point> points{{at(0.5), 10}, {at(7.5), 10}};
  CHECK(sparkline(points, frame(), true) == "▁   │   ▁");
  SparkFrame usual = frame();
  usual.low = 0;
  usual.high = 100;
  CHECK(sparkline(points, usual, true) == "▁   │   ▁");
  usual.high = 10;
  CHECK(sparkline(points, usual, true) == "█   │   █");
}

TEST_CASE("a share as a bar, in eighths or in marks") {
  CHECK(bar(0, 4, true).empty());
  CHECK(bar(0.5, 4, true) == "██");
  CHECK(bar(0.53, 4, true) == "██▏");
  CHECK(bar(7, 4, true) == "████");
  CHECK(bar(std::nan(""), 4, true).empty());
  CHECK(bar(0.5, 4, false) == "##");
}
