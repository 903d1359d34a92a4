// SPDX-License-Identifier: Apache-2.0
// The deviations of a group as models take them: finite, bounded, and of a member of which nothing is known its last
// one, which nobody blames it for. A member that is new or took another's place comes in by and by: what a model
// learned of its place is not about it. One owner; take() does not allocate.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/multivariate/group_model.h"
#include "detect/multivariate/resize_tightly.h"

namespace hostmedic::detect {

class MemberInput {
 public:
  // A deviation counts in full after this many readings.
  explicit MemberInput(float comes_in_over) : comes_in_over_(comes_in_over) {}

  void resize(std::size_t members) {
    resize_tightly(taken_, members);
    resize_tightly(seen_, members, begun_ ? 0 : comes_in_over_);
    resize_tightly(known_, members);
  }
  void forget(std::size_t member) {
    taken_[member] = 0;
    seen_[member] = begun_ ? 0 : comes_in_over_;
    known_[member] = 0;
  }
  // Everything that was learned is gone: nobody comes late any more.
  void begin_anew() {
    begun_ = false;
    for (std::size_t i = 0; i < taken_.size(); ++i) forget(i);
  }

  std::span<const float> take(std::span<const float> deviations) {
    begun_ = true;
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      known_[i] = std::isfinite(deviations[i]) ? 1 : 0;
      if (known_[i] == 0) continue;
      seen_[i] = std::min(seen_[i] + 1, comes_in_over_);
      // Plus 0, so that there is one zero only: what is restored from such values is then the same in every bit.
      taken_[i] = std::clamp(deviations[i], -kMostDeviations, kMostDeviations) * (seen_[i] / comes_in_over_) + 0.0F;
    }
    return taken_;
  }
  bool known(std::size_t member) const { return known_[member] != 0; }
  std::size_t bytes_used() const { return taken_.capacity() * (2 * sizeof(float) + 1); }

  template <class Self, class Fields>
  static void fields(Self& self, Fields& io) {
    io.all(self.taken_);
    io.all(self.seen_);
    io.all(self.known_);
    io.one(self.begun_);
  }

 private:
  // More says no more, and its square is far from the end of float.
  static constexpr float kMostDeviations = 1e4F;

  float comes_in_over_;
  bool begun_ = false;
  std::vector<float> taken_, seen_;
  std::vector<std::uint8_t> known_;
};

// Weights >= 0 as shares: they sum to 1 after, or are all 0.
inline void make_shares(std::span<float> weights) {
  float sum = 0;
  for (const float weight : weights) sum += weight;
  const bool any = std::isfinite(sum) && sum > 0;
  for (float& weight : weights) weight = any ? weight / sum : 0;
}

}  // namespace hostmedic::detect
