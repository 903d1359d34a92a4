// SPDX-License-Identifier: Apache-2.0
// The step that change-point models work on: means of short blocks, less the course of the day where there is one and
// the mean of the last hour, in usual deviations of that difference. So a daily course is no change, and a jump is one
// for an hour. Constant memory, 1 KB; one per series.
#pragma once

#include <optional>
#include <tuple>

#include "detect/feature/level_scale.h"
#include "detect/feature/moving.h"
#include "detect/feature/seasonal_profile.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

class BlockResidual {
 public:
  explicit BlockResidual(double block_seconds) : block_(block_seconds) {}

  // The standardised mean of the block that this reading ends, if it ends one and it is known what is usual. It is
  // learned by learn(), or not at all.
  std::optional<double> step(const Moment& now) {
    if (!begun_) reference_.set(now.x), level_.set(now.x);
    begun_ = true;
    if (now.fresh) sum_ = weight_ = count_ = 0, stale_ = true;
    sum_ += now.x;
    weight_ += now.elapsed;
    ++count_;
    if (weight_ < block_ * kNearly) return std::nullopt;
    mean_ = sum_ / count_;
    ended_ = weight_;
    week_second_ = now.week_second;
    sum_ = weight_ = count_ = 0;
    // After a gap there is no last hour; the first block stands for it.
    if (stale_) reference_.set(mean_ - season() - scale_.median());
    stale_ = false;
    const double beyond = mean_ - expected(), spread = scale_.spread(beyond > 0);
    if (!scale_.known() || spread <= 0) return std::nullopt;
    return beyond / spread;
  }
  // departing: nothing follows it; it is taken over as a whole when it lasts, or not at all.
  void learn(bool departing) {
    if (ended_ <= 0) return;
    const double left = mean_ - season();
    profile_.step(week_second_, mean_ - level_.mean(), ended_, !departing);
    if (!departing) {
      scale_.step(left - reference_.mean(), ended_, kMemory);
      reference_.step(left, ended_, kReference);
      level_.step(mean_, ended_, kLevel);
    }
    ended_ = 0;
  }
  // What is expected now.
  double expected() const { return reference_.mean() + scale_.median() + season(); }
  bool constant() const { return scale_.constant(); }
  bool known() const { return scale_.known(); }
  void move_to(double level) {
    const double factor = multiple_of(level, expected());
    level_.set(level + factor * (level_.mean() - expected()));
    scale_.scale(factor);
    profile_.scale(factor);
    reference_.set(level - season() - scale_.median());
    ended_ = 0;
  }

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.begun_, self.stale_, self.reference_, self.level_, self.scale_, self.profile_,
                    self.week_second_, self.sum_, self.weight_, self.count_, self.mean_, self.ended_);
  }

 private:
  // A course that foretells little adds more noise than it takes away.
  double season() const { return profile_.explained() > kWorthIt ? profile_.expected(week_second_) : 0; }

  static constexpr double kReference = 3600, kMemory = 7 * 86400, kLevel = 3 * 86400;  // seconds
  static constexpr double kNearly = 0.95;  // jitter of the interval does not skip a block
  static constexpr double kWorthIt = 0.1;  // of the variance
  const double block_;
  bool begun_ = false, stale_ = false;
  MovingMean reference_, level_;  // of the last hour without the course of the day; of days with it
  LevelScale scale_;
  SeasonalProfile profile_;
  double week_second_ = 0;
  double sum_ = 0, weight_ = 0, count_ = 0;  // of the block under way
  double mean_ = 0, ended_ = 0;              // of the last one; its seconds, 0 when it was learned
};

}  // namespace hostmedic::detect
