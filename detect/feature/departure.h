// SPDX-License-Identifier: Apache-2.0
// In what way a series departs: a jump that is over soon, a jump that stays, or a drift. Two means of the signed
// deviation, of ten seconds and of a minute, tell: at a jump the slow one has not followed yet, in a drift it has.
// Constant memory; one per series.
#pragma once

#include <cmath>
#include <string_view>
#include <tuple>

#include "detect/detector.h"
#include "detect/feature/moving.h"

namespace hostmedic::detect {

class DepartureCourse {
 public:
  // deviation: signed, in usual deviations. departing: it is judged to depart now.
  void step(double deviation, double elapsed, bool departing) {
    fast_ += fade_share(elapsed, kFast) * (deviation - fast_);
    slow_ += fade_share(elapsed, kSlow) * (deviation - slow_);
    if (!departing) {
      kind_ = Departure::none;
      lasts_ = 0;
      return;
    }
    lasts_ += elapsed;
    if (kind_ == Departure::none) kind_ = followed() ? Departure::trend : Departure::spike;
    if (lasts_ < kSettled) return;
    // It has stayed for minutes: what goes on moving the same way is a drift, the rest a new level.
    const bool moves = (fast_ - slow_) * slow_ > 0 && std::abs(fast_ - slow_) > kMoves * std::abs(slow_);
    if (kind_ == Departure::spike) kind_ = moves ? Departure::trend : Departure::level_shift;
  }
  Departure kind() const { return kind_; }

  bool sane() const { return kind_ <= Departure::trend; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.kind_, self.fast_, self.slow_, self.lasts_);
  }

 private:
  bool followed() const { return fast_ * slow_ > 0 && std::abs(slow_) > kFollowed * std::abs(fast_); }

  static constexpr double kFast = 10, kSlow = 60;  // seconds
  static constexpr double kSettled = 240;          // seconds after which a jump has stayed
  static constexpr double kFollowed = 0.6;         // slow / fast, above which it did not jump
  static constexpr double kMoves = 0.15;           // fast beyond slow, after four minutes: it moves still
  Departure kind_ = Departure::none;
  double fast_ = 0, slow_ = 0, lasts_ = 0;
};

}  // namespace hostmedic::detect
