// SPDX-License-Identifier: Apache-2.0
// The threshold of one group that keeps to a budget of suspicions. It counts, with forgetting, how many suspicions
// each of a ladder of thresholds would have made, and takes the lowest that made no more than wanted; never one below
// the shipped threshold, and never more than one rung an hour. 160 bytes; allocates nothing. One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "detect/model/state_codec.h"

namespace hostmedic::detect {

class PageBudget {
 public:
  PageBudget() = default;
  // seconds: between two scores.
  PageBudget(double wanted_a_day, double seconds);

  void add(float score);
  float threshold() const { return rung_value(rung_); }
  // Of the present threshold; what the scores made so far come to.
  double suspicions_a_day() const;

  void save(StateWriter& writer) const;
  bool load(StateReader& reader);
  bool sane() const { return rung_ < kRungs; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.lowest_, self.wanted_, self.seconds_, self.crossed_, self.above_, self.seen_, self.since_move_,
                    self.rung_);
  }

  // Where the ladder begins: about one false suspicion a day and host on SMD and ASD.
  static constexpr float kUsual = 8;

 private:
  static constexpr std::size_t kRungs = 16;  // each sqrt(2) above the one below, from lowest_ on
  static constexpr double kForgetSeconds = 14 * 86400;
  float rung_value(std::size_t rung) const;

  float lowest_ = kUsual;
  double wanted_ = 1, seconds_ = 1;
  std::array<float, kRungs> crossed_{};  // suspicions each rung would have made
  std::uint32_t above_ = 0;              // bits: the score is above that rung, or not yet well below it
  double seen_ = 0;                      // seconds that count
  double since_move_ = 0;                // seconds
  std::size_t rung_ = 0;
};

}  // namespace hostmedic::detect
