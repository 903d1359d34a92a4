// SPDX-License-Identifier: Apache-2.0
// From what a model could not explain of each member to one score: every residual in its own usual size, learned with a
// long memory, and of that what is past a dead zone, summed. The same unit and the same dead zone as the evidence of
// single series has (scorer.h), so that the two can be added. 16 bytes a member; one owner; judge() does not allocate.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "agent/base/time.h"
#include "detect/multivariate/member_input.h"

namespace hostmedic::detect {

class ResidualScore {
 public:
  explicit ResidualScore(Duration interval);

  void resize(std::size_t members);
  void forget(std::size_t member);
  // The score. NaN when a residual is no number.
  float judge(std::span<const float> residuals, const MemberInput& input, bool learn);
  // By square, of the last residuals, in their usual sizes.
  void shares(std::span<float> ret_shares) const;
  std::size_t bytes_used() const { return states_.capacity() * sizeof(State); }

  template <class Self, class Fields>
  static void fields(Self& self, Fields& io) {
    io.same(static_cast<std::uint32_t>(self.states_.size()));
    for (auto& state : self.states_) {
      io.one(state.readings);
      io.one(state.variance);
      io.one(state.prior);
      io.one(state.size);
    }
  }

 private:
  struct State {
    float readings = 0, variance = 0;
    float prior = 1;  // how much the size assumed at first still counts
    float size = 0;   // of the last residual, in usual ones
  };
  float memory_, prior_fades_;
  std::vector<State> states_;
};

}  // namespace hostmedic::detect
