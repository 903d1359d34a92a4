// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/spark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace hostmedic {

namespace {

constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> kMarks{"_", ".", ",", "-", "=", "+", "*", "#"};
constexpr std::array<std::string_view, 8> kEighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

std::size_t column_of(WallTime at, const SparkFrame& frame) {
  const double share = to_seconds(at - frame.from) / to_seconds(frame.to - frame.from);
  return std::min(frame.columns - 1, static_cast<std::size_t>(share * static_cast<double>(frame.columns)));
}

}  // namespace

std::string sparkline(std::span<const Point> points, const SparkFrame& frame, bool utf8) {
  if (frame.to <= frame.from || frame.columns == 0) return {};
  std::vector<std::optional<double>> values(frame.columns);
  std::optional<double> least, most;
  for (const Point& point : points) {
    if (point.at < frame.from || point.at > frame.to || !std::isfinite(point.value)) continue;
    std::optional<double>& value = values[column_of(point.at, frame)];
    const double known = value.value_or(point.value);
    value = frame.direction == Direction::below ? std::min(known, point.value) : std::max(known, point.value);
    least = std::min(least.value_or(point.value), point.value);
    most = std::max(most.value_or(point.value), point.value);
  }
  if (!least) return {};
  const double low = std::min(*least, frame.low.value_or(*least)), high = std::max(*most, frame.high.value_or(*most));
  const auto& levels = utf8 ? kBlocks : kMarks;
  const bool marked = frame.fault > frame.from && frame.fault < frame.to;
  const std::size_t mark = marked ? column_of(frame.fault, frame) : frame.columns;
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == mark) out += utf8 ? "│" : "|";
    if (!values[i]) {
      out += ' ';
      continue;
    }
    const double share = high > low ? (*values[i] - low) / (high - low) : 0;
    out += levels[std::min(levels.size() - 1, static_cast<std::size_t>(share * static_cast<double>(levels.size())))];
  }
  return out;
}

std::string bar(double share, std::size_t columns, bool utf8) {
  const double filled = (std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0) * static_cast<double>(columns);
  if (!utf8) return std::string(static_cast<std::size_t>(std::lround(filled)), '#');
  const auto eighths = static_cast<std::size_t>(std::lround(filled * 8));
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "█";
  return out += kEighths[eighths % 8];
}

}  // namespace hostmedic
