// SPDX-License-Identifier: Apache-2.0
#include "detect/feature/level_scale.h"

#include <algorithm>
#include <cmath>

namespace hostmedic::detect {

namespace {
constexpr double kNormalMad = 1.4826;  // deviations per MAD
constexpr double kTail = 0.02;         // what is outside at each side ...
constexpr double kNormalTail = 2.054;  // ... in deviations of a normal
constexpr double kFloor = 0.02;        // of the range: the least deviation that is worth a look
constexpr int kRenew = 64;
constexpr int kMany = 1 << 20;
constexpr double kDoubt = 0.1;
}  // namespace

void LevelScale::step(double x, double elapsed, double memory) {
  if (readings_ == 0) centre_ = x;
  sketch_.fade(1 - fade_share(elapsed, memory));
  sketch_.add(x - centre_);
  range_.step(x);
  if (++readings_ < renew_at_) return;
  renew();
  if (readings_ > kMany) readings_ = kRenew;
  renew_at_ = readings_ + std::min(readings_, kRenew);
}

void LevelScale::renew() {
  median_off_ = sketch_.quantile(0.5);
  mad_ = sketch_.quantile_of_distance(0.5);
  // Half a MAD off the centre, the bins around the median are too coarse and the distances no longer those to it.
  if (std::abs(median_off_) > 0.5 * mad_) {
    const double by = median_off_;
    const double half = 0.5 * (sketch_.quantile(0.75) - sketch_.quantile(0.25));
    if (std::abs(by) > 4 * half) sketch_.fade(kDoubt);  // a bin or two held it all: what is inside is not known
    sketch_.shift(-by);
    centre_ += by;
    median_off_ = sketch_.quantile(0.5);
    mad_ = sketch_.quantile_of_distance(0.5);
  }
  up_ = std::max(0.0, sketch_.quantile(1 - kTail) - median_off_);
  down_ = std::max(0.0, median_off_ - sketch_.quantile(kTail));
}

double LevelScale::spread(bool above) const {
  return std::max({kNormalMad * mad_, (above ? up_ : down_) / kNormalTail, kFloor * range_.width()});
}

void LevelScale::move_to(double level) {
  const double factor = multiple_of(level, median());
  scale(factor);
  centre_ = level;
}

void LevelScale::scale(double factor) {
  sketch_.shift(-median_off_);
  centre_ += median_off_;
  median_off_ = 0;
  sketch_.scale(factor);
  sketch_.fade(kDoubt);
  centre_ *= factor;
  mad_ *= factor;
  up_ *= factor;
  down_ *= factor;
  range_.scale(factor);
}

}  // namespace hostmedic::detect
