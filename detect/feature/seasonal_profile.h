// SPDX-License-Identifier: Apache-2.0
// What a series does at which time of day and on which day of the week, beside its level: 48 half hours and 7 days,
// added up, each int16 in steps of one scale. Learned at the end of each half hour from its mean, forgets in two weeks.
// It says how much of the variance it explained before it knew the values. 200 bytes; one per series.
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

#include "detect/feature/moving.h"

namespace hostmedic::detect {

class SeasonalProfile {
 public:
  static constexpr int kSlots = 48;
  static constexpr int kDays = 7;
  static constexpr double kDay = 86400, kWeek = 7 * kDay;

  // The departure from the level to be expected at this time of the week (seconds since Monday, 0..kWeek).
  double expected(double week_second) const;
  // off: how far the value is from the level. learn false: the time passes and nothing is taken in.
  void step(double week_second, double off, double elapsed, bool learn);

  // The whole course is multiplied.
  void scale(double factor);

  // Of the variance around the level, over the last two weeks; 0 while less than a day was foretold.
  double explained() const;
  // Seconds that were foretold, at most the memory.
  double foretold() const { return flat_.seen(); }

  bool sane() const;
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.slots_, self.days_, self.seen_, self.scale_, self.slot_, self.sum_, self.weight_,
                    self.day_sum_, self.day_weight_, self.flat_, self.left_);
  }

 private:
  void close_slot();
  void close_day(int day);
  void store(std::int16_t& ret_bin, double value);
  double value(std::int16_t bin) const { return scale_ * bin; }

  std::array<std::int16_t, kSlots> slots_{};
  std::array<std::int16_t, kDays> days_{};
  std::array<std::uint8_t, kSlots + kDays> seen_{};  // how often each was learned, up to kMostSeen
  double scale_ = 0;
  std::int32_t slot_ = -1;               // of the week, the one under way
  double sum_ = 0, weight_ = 0;          // of it
  double day_sum_ = 0, day_weight_ = 0;  // of the day under way, beyond the slots
  MovingMean flat_, left_;               // squares around the level, and around what was foretold
};

}  // namespace hostmedic::detect
