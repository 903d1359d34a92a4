// SPDX-License-Identifier: Apache-2.0
// Means that forget, and what is made of them: mean, variance, rate of change, acceleration. All take the time that
// passed since the last reading, so that the interval does not matter. Constant memory; one per series.
#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>

namespace hostmedic::detect {

// The share of a new value in a mean that remembers for so long. Rational, so that it is the same on every machine.
constexpr double fade_share(double elapsed, double memory) { return elapsed / (memory + elapsed); }

// A mean over the last `memory` seconds; over all that was seen while that is less.
class MovingMean {
 public:
  void step(double x, double elapsed, double memory) {
    seen_ = std::min(seen_ + elapsed, memory);
    const double share = seen_ > 0 ? std::max(fade_share(elapsed, memory), elapsed / seen_) : 1;
    mean_ += std::min(share, 1.0) * (x - mean_);
  }
  void set(double mean) { mean_ = mean; }
  double mean() const { return mean_; }
  double seen() const { return seen_; }  // seconds, at most the memory

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.mean_, self.seen_);
  }

 private:
  double mean_ = 0, seen_ = 0;
};

// Mean and variance over the last `memory` seconds.
class MovingVariance {
 public:
  void step(double x, double elapsed, double memory) {
    const double off = x - mean_.mean();
    mean_.step(x, elapsed, memory);
    square_.step(off * (x - mean_.mean()), elapsed, memory);
  }
  // The level moves, the spread stays, or is multiplied.
  void move_to(double mean, double factor = 1) {
    mean_.set(mean);
    square_.set(square_.mean() * factor * factor);
  }
  double mean() const { return mean_.mean(); }
  double deviation() const { return std::sqrt(std::max(0.0, square_.mean())); }
  double seen() const { return mean_.seen(); }

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.mean_, self.square_);
  }

 private:
  MovingMean mean_, square_;
};

// Rate of change and acceleration of a level, each smoothed over the same time. Per second, per second squared.
class Motion {
 public:
  void step(double x, double elapsed, double smooth) {
    if (!begun_ || elapsed <= 0) {
      if (!begun_) level_ = x;
      begun_ = true;
      return;
    }
    const double share = fade_share(elapsed, smooth);
    const double before = level_, rate_before = rate_;
    level_ += share * (x - level_);
    rate_ += share * ((level_ - before) / elapsed - rate_);
    acceleration_ += share * ((rate_ - rate_before) / elapsed - acceleration_);
  }
  double level() const { return level_; }
  double rate() const { return rate_; }
  double acceleration() const { return acceleration_; }

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.begun_, self.level_, self.rate_, self.acceleration_);
  }

 private:
  bool begun_ = false;
  double level_ = 0, rate_ = 0, acceleration_ = 0;
};

// How many times the old level the new one is, when it is so many times that the unit or the load changed rather than
// the level moved; otherwise 1.
constexpr double multiple_of(double level, double before) {
  constexpr double kMultiple = 8;
  if (before == 0 || level == 0) return 1;
  const double factor = level / before;
  return factor >= kMultiple || (factor > 0 && factor <= 1 / kMultiple) ? factor : 1;
}

// The running range, drawn in slowly so that an old extreme is forgotten.
class RunningRange {
 public:
  void step(double x) {
    if (!begun_) low_ = high_ = x;
    begun_ = true;
    const double draw = kDrawIn * (high_ - low_);
    low_ = std::min(x, low_ + draw);
    high_ = std::max(x, high_ - draw);
  }
  // As wide as so many times what it was; where it is, the next values say.
  void scale(double factor) {
    low_ *= factor;
    high_ *= factor;
  }
  double low() const { return low_; }
  double high() const { return high_; }
  double width() const { return high_ - low_; }

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.begun_, self.low_, self.high_);
  }

 private:
  static constexpr double kDrawIn = 1e-5;  // of the range and reading: half is forgotten in 19 hours of seconds
  bool begun_ = false;
  double low_ = 0, high_ = 0;
};

}  // namespace hostmedic::detect
