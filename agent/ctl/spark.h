// SPDX-License-Identifier: Apache-2.0
// A curve in one line of text: one character for each stretch of time, higher for larger. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "agent/base/time.h"
#include "detect/model/incident.h"

namespace hostmedic {

// One value of a recorded series.
struct Point {
  WallTime at;
  double value = 0;
};

struct SparkFrame {
  WallTime from, to;                      // what the line spans
  WallTime fault;                         // marked by a bar of its own
  std::optional<double> low, high;        // what is usual; part of the scale
  Direction direction = Direction::none;  // of a stretch's values, below shows the smallest, else the largest
  std::size_t columns = 24;
};

// A stretch without a value is a blank: absent is not zero. Empty when there are no points within the frame.
std::string sparkline(std::span<const Point> points, const SparkFrame& frame, bool utf8);
// "######  " or block characters: a share of 0..1 of so many columns.
std::string bar(double share, std::size_t columns, bool utf8);

}  // namespace hostmedic
