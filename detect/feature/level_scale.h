// SPDX-License-Identifier: Apache-2.0
// Where a series usually is and how far it usually strays: median, MAD and tails, from a sketch of the distances to a
// centre that follows the median. The median is off by at most half a MAD after a move and by a few per cent of it as a
// rule; spreads have the relative error of the sketch. Numbers, not time, decide how soon the estimates are renewed:
// each doubling at first, each 64 readings later. Constant memory, about 620 bytes.
#pragma once

#include <tuple>

#include "detect/feature/moving.h"
#include "detect/feature/quantile_sketch.h"

namespace hostmedic::detect {

class LevelScale {
 public:
  void step(double x, double elapsed, double memory);
  // The level is now here; what was learned of the spread stays, for a tenth of its weight. A level that is several
  // times the old one strays as many times as far: the spread is multiplied (see multiple_of).
  void move_to(double level);
  void scale(double factor);  // the median too

  double median() const { return centre_ + median_off_; }
  double quantile(double q) const { return centre_ + sketch_.quantile(q); }  // walks the sketch: not for each reading
  double mad() const { return mad_; }
  // One usual deviation to the side of x: the larger of what the middle and what the tail of a normal would have, and
  // 2% of the running range, so that what hardly ever moves is not judged by its smallest moves.
  double spread(bool above) const;
  double range() const { return range_.width(); }
  // Nothing but one value, as far as is remembered.
  bool constant() const { return mad_ <= 0 && up_ <= 0 && down_ <= 0; }
  bool known() const { return readings_ >= kFew; }

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.sketch_, self.range_, self.centre_, self.median_off_, self.mad_, self.up_, self.down_,
                    self.readings_, self.renew_at_);
  }

 private:
  void renew();

  static constexpr int kFew = 32;
  QuantileSketch sketch_;
  RunningRange range_;
  double centre_ = 0, median_off_ = 0, mad_ = 0, up_ = 0, down_ = 0;
  int readings_ = 0, renew_at_ = 2;  // both start anew when they are large
};

}  // namespace hostmedic::detect
