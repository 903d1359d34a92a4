// SPDX-License-Identifier: Apache-2.0
// How complete a series is: the share of the readings to be expected that did not come or failed, over the last
// `memory` seconds, and how old the last value is. The interval is learned: the usual gap between two readings.
// Constant memory; one per series.
#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>

#include "detect/detector.h"
#include "detect/feature/moving.h"

namespace hostmedic::detect {

class Missingness {
 public:
  void step(const Reading& reading, double memory) {
    if (begun_ && reading.at <= last_) return;
    if (begun_) {
      const double gap = to_seconds(reading.at - last_);
      if (interval_ <= 0) interval_ = gap;
      // Like a median: it moves by a little in the direction of each gap, whatever its length.
      interval_ *= gap > 1.01 * interval_ ? 1.02 : (gap < 0.99 * interval_ ? 1 / 1.02 : 1);
      const double skipped = std::max(0.0, std::round(gap / interval_) - 1);
      share_.step(1, std::min(skipped * interval_, memory), memory);
      share_.step(is_known(reading.value) ? 0 : 1, interval_, memory);
    }
    if (is_known(reading.value)) value_at_ = reading.at;
    if (!begun_) value_at_ = reading.at;
    last_ = reading.at;
    begun_ = true;
  }
  double share() const { return share_.mean(); }  // 0..1
  double interval() const { return interval_; }   // seconds; 0 before the second reading
  // Since the last value, or since the first reading while there was none.
  Duration staleness(MonoTime now) const { return begun_ ? std::max(now - value_at_, Duration::zero()) : Duration{}; }

  bool sane() const { return interval_ >= 0 && interval_ < 1e12; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.begun_, self.last_, self.value_at_, self.interval_, self.share_);
  }

 private:
  bool begun_ = false;
  MonoTime last_, value_at_;
  double interval_ = 0;
  MovingMean share_;
};

}  // namespace hostmedic::detect
