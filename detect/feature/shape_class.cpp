// SPDX-License-Identifier: Apache-2.0
#include "detect/feature/shape_class.h"

#include <algorithm>
#include <array>

namespace hostmedic::detect {

namespace {

constexpr std::int32_t kFew = 256;         // readings before anything is said
constexpr std::int32_t kMost = 1'000'000;  // counted
constexpr double kMoving = 0.002;          // of the readings; what moves more rarely is constant
constexpr double kCounting = 0.5;          // of the readings in which a counter rises
constexpr double kIdle = 0.8;              // of the readings that a bursty series is near its lowest
constexpr double kNear = 0.05;             // of the range
constexpr double kForetold = 0.3;          // of the variance that makes a season
constexpr double kAlternates = 0.6;        // resemblance beyond a dip that makes a short period
constexpr double kRising = 0.85;           // of the pairs of minima that rise in a leak

struct Suit {
  std::string_view detector;
  std::array<bool, 8> suits;  // by Shape
};
// A counter reaches a model as its rate, and a gauge that only counts up has no usual level. Where it is not known yet,
// the model says by itself that it learns.
constexpr Suit kSuits[] = {
    // unknown constant counter leak bursty periodic ratio other
    {"robust_zscore", {true, false, false, true, true, true, true, true}},
    {"baseline_percentile", {true, false, false, true, true, true, true, true}},
    {"seasonal", {true, false, false, false, false, true, true, true}},
    {"change_point", {true, false, false, false, false, true, true, true}},
    {"bocpd", {true, false, false, false, false, true, true, true}},
    {"tail", {true, false, false, true, true, true, true, true}},
    {"leak", {true, false, false, true, true, true, true, true}},
    {"stuck", {true, false, true, true, false, true, true, true}},
};

}  // namespace

std::string_view to_string(Shape shape) {
  switch (shape) {
    case Shape::unknown: return "unknown";
    case Shape::constant: return "constant";
    case Shape::counter: return "counter";
    case Shape::leak: return "leak";
    case Shape::bursty: return "bursty";
    case Shape::periodic: return "periodic";
    case Shape::ratio: return "ratio";
    case Shape::other: return "other";
  }
  return "";
}

bool suits(Shape shape, std::string_view detector) {
  for (const Suit& row : kSuits)
    if (row.detector == detector) return row.suits[static_cast<std::size_t>(shape)];
  return true;
}

void ShapeClassifier::step(double x, double elapsed, double week_second) {
  if (readings_ == 0) last_ = lowest_ = minimum_ = x;
  range_.step(x);
  lowest_ = std::min(x, lowest_);
  rises_.step(x > last_ ? 1 : 0, 1, kMemory);
  falls_.step(x < last_ ? 1 : 0, 1, kMemory);
  near_low_.step(x <= range_.low() + kNear * range_.width() ? 1 : 0, 1, kMemory);
  level_.step(x, 1, kMemory);
  past_.step(x, kMemory);
  profile_.step(week_second, x - level_.mean(), elapsed, true);
  minimum_ = block_ == 0 ? x : std::min(minimum_, x);
  if (++block_ == kBlock) close_block();
  last_ = x;
  readings_ = std::min(readings_ + 1, kMost);
}

void ShapeClassifier::close_block() {
  if (blocks_ == kBlocks) {
    std::move(minima_.begin() + 1, minima_.end(), minima_.begin());
    --blocks_;
  }
  minima_[static_cast<std::size_t>(blocks_++)] = minimum_;
  block_ = 0;
}

// Nearly all pairs of low points rise, and the rise is worth a part of the range.
bool ShapeClassifier::leaks() const {
  if (blocks_ < kBlocks) return false;
  int pairs = 0, rising = 0;
  for (std::size_t i = 0; i < kBlocks; ++i)
    for (std::size_t j = i + 1; j < kBlocks; ++j, ++pairs) rising += minima_[j] > minima_[i] ? 1 : 0;
  return rising > kRising * pairs && minima_.back() - minima_.front() > 0.25 * range_.width();
}

Shape ShapeClassifier::shape() const {
  if (readings_ < kFew) return Shape::unknown;
  const double rises = rises_.mean(), falls = falls_.mean();
  if (rises + falls < kMoving) return Shape::constant;
  if (falls == 0 && rises > kCounting) return Shape::counter;
  if (leaks()) return Shape::leak;
  if (near_low_.mean() > kIdle) return Shape::bursty;
  // A short period: alike after 8 or 16 readings, less so in between.
  const double middle = std::min(past_.at(1), past_.at(2));
  const double later = std::max(past_.at(3), past_.at(4));
  if (profile_.explained() > kForetold || (later > kAlternates && later > middle + 0.2)) return Shape::periodic;
  if (range_.low() >= 0 && range_.high() <= 1) return Shape::ratio;
  return Shape::other;
}

}  // namespace hostmedic::detect
