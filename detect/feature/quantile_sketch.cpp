// SPDX-License-Identifier: Apache-2.0
#include "detect/feature/quantile_sketch.h"

#include <algorithm>
#include <cmath>

namespace hostmedic::detect {

namespace {
constexpr double kRootHalf = 0.70710678118654752;
constexpr double kMostUnit = 1 << 20;    // then all bins are scaled down; float still has 4 digits below one unit
constexpr float kForgotten = 1.0F / 64;  // of a reading: less weight than that is dropped when bins are scaled
constexpr int kMostIndex = 2 * 1100;     // beyond the exponents of double
}  // namespace

// Two bins per power of two: [2^(e-1), 2^(e-1/2)) and [2^(e-1/2), 2^e).
int QuantileSketch::index_of(double distance) {
  int exponent = 0;
  const double mantissa = std::frexp(distance, &exponent);
  return 2 * exponent + (mantissa >= kRootHalf ? 1 : 0);
}
double QuantileSketch::edge(int index) {
  const int exponent = index >> 1;
  return std::ldexp((index & 1) != 0 ? kRootHalf : 0.5, exponent);
}

// Where the bin is; makes room for a larger one by giving up the smallest.
int QuantileSketch::slot_of(int index) {
  if (index > top_) {
    const int by = std::min(index - top_, kSide);
    for (Side* side : {&above_, &below_}) {
      for (int i = 0; i < by; ++i) zero_ += (*side)[static_cast<std::size_t>(i)];
      std::move(side->begin() + by, side->end(), side->begin());
      std::fill(side->end() - by, side->end(), 0.0F);
    }
    top_ = index;
  }
  return index - top_ + kSide - 1;
}

void QuantileSketch::put(double x, double weight) {
  const int slot = x == 0 ? -1 : slot_of(index_of(std::abs(x)));
  if (slot < 0) {
    zero_ += static_cast<float>(weight);
  } else {
    Side& side = x > 0 ? above_ : below_;
    side[static_cast<std::size_t>(slot)] += static_cast<float>(weight);
  }
}

void QuantileSketch::add(double x, double weight) {
  put(x, weight * unit_);
  total_ += weight * unit_;
}

void QuantileSketch::fade(double factor) {
  if (factor >= 1) return;
  unit_ /= std::max(factor, 1e-3);
  if (unit_ > kMostUnit) settle();
}

void QuantileSketch::settle() {
  const auto scale = static_cast<float>(1 / unit_);
  double total = 0;
  const auto shrink = [&](float& weight) {
    weight *= scale;
    if (weight < kForgotten) weight = 0;
    total += weight;
  };
  for (float& weight : above_) shrink(weight);
  for (float& weight : below_) shrink(weight);
  shrink(zero_);
  total_ = total;
  unit_ = 1;
  // Room that no large number needs any more goes back to the small ones.
  int empty = 0;
  while (empty < kSide && above_[static_cast<std::size_t>(kSide - 1 - empty)] == 0 &&
         below_[static_cast<std::size_t>(kSide - 1 - empty)] == 0)
    ++empty;
  for (Side* side : {&above_, &below_}) {
    std::move_backward(side->begin(), side->end() - empty, side->end());
    std::fill(side->begin(), side->begin() + empty, 0.0F);
  }
  top_ = empty == kSide ? kNoTop : top_ - empty;
}

void QuantileSketch::merge(const QuantileSketch& other) {
  const double scale = unit_ / other.unit_;
  for (int i = 0; i < kSide; ++i) {
    const double middle = 0.5 * (edge(other.top_ - kSide + 1 + i) + edge(other.top_ - kSide + 2 + i));
    const auto slot = static_cast<std::size_t>(i);
    if (other.above_[slot] > 0) put(middle, other.above_[slot] * scale);
    if (other.below_[slot] > 0) put(-middle, other.below_[slot] * scale);
  }
  zero_ += static_cast<float>(other.zero_ * scale);
  total_ += other.total_ * scale;
}

double QuantileSketch::walk(const Side& side, double weight) const {
  double passed = 0;
  for (int i = 0; i < kSide; ++i) {
    const double here = side[static_cast<std::size_t>(i)];
    if (here > 0 && passed + here >= weight) {
      const double from = edge(top_ - kSide + 1 + i), to = edge(top_ - kSide + 2 + i);
      return from + (to - from) * std::clamp((weight - passed) / here, 0.0, 1.0);
    }
    passed += here;
  }
  return top_ == kNoTop ? 0 : edge(top_ + 1);
}

double QuantileSketch::quantile(double q) const {
  if (total_ <= 0) return 0;
  double below = 0, above = 0;
  for (const float weight : below_) below += weight;
  for (const float weight : above_) above += weight;
  const double want = q * (below + zero_ + above);
  if (want < below) return -walk(below_, below - want);
  if (want <= below + zero_) return 0;
  return walk(above_, want - below - zero_);
}

double QuantileSketch::quantile_of_distance(double q) const {
  if (total_ <= 0) return 0;
  Side both;
  double all = zero_;
  for (std::size_t i = 0; i < kSide; ++i) {
    both[i] = above_[i] + below_[i];
    all += both[i];
  }
  const double want = q * all;
  return want <= zero_ ? 0 : walk(both, want - zero_);
}

void QuantileSketch::shift(double by) {
  const QuantileSketch old = *this;
  clear();
  unit_ = old.unit_;
  total_ = old.total_;
  if (old.zero_ > 0) put(by, old.zero_);
  if (old.top_ == kNoTop) return;
  for (int i = 0; i < kSide; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    const double from = edge(old.top_ - kSide + 1 + i), to = edge(old.top_ - kSide + 2 + i);
    // In halves, so that bins that do not match are cut rather than moved whole.
    for (const double at : {0.75 * from + 0.25 * to, 0.25 * from + 0.75 * to}) {
      if (old.above_[slot] > 0) put(by + at, 0.5 * old.above_[slot]);
      if (old.below_[slot] > 0) put(by - at, 0.5 * old.below_[slot]);
    }
  }
}

void QuantileSketch::scale(double factor) {
  if (top_ == kNoTop || !(factor > 0)) return;
  const int by = static_cast<int>(std::lround(2 * std::log2(factor)));
  top_ = std::clamp(top_ + by, -kMostIndex, kMostIndex);
}

bool QuantileSketch::sane() const {
  const auto weight = [](float value) { return value >= 0; };
  const bool top = top_ == kNoTop || (top_ >= -kMostIndex && top_ <= kMostIndex);
  return top && unit_ >= 1 && unit_ <= kMostUnit * 1000 && total_ >= 0 && zero_ >= 0 &&
         std::ranges::all_of(above_, weight) && std::ranges::all_of(below_, weight);
}

}  // namespace hostmedic::detect
