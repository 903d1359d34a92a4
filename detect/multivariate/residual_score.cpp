// SPDX-License-Identifier: Apache-2.0
#include "detect/multivariate/residual_score.h"

#include <algorithm>
#include <cmath>

#include "detect/multivariate/resize_tightly.h"

namespace hostmedic::detect {

namespace {

constexpr double kMemorySeconds = 4 * 86400;  // finds more of the events on SMD, and sooner, than 14 days do
constexpr double kPriorReadings = 1000, kPriorSeconds = 3600;
constexpr float kPriorSize = 1;  // deviations; before it is known, the member itself is taken for its residual
constexpr float kFloor = 0.1F;   // deviations; a smaller residual is not worth a look, however unusual
constexpr float kDeadZone = 3;   // usual sizes that count for nothing

}  // namespace

ResidualScore::ResidualScore(Duration interval)
    : memory_(static_cast<float>(std::max(2.0, kMemorySeconds / to_seconds(interval)))),
      prior_fades_(static_cast<float>(1 - 1 / std::max(kPriorReadings, kPriorSeconds / to_seconds(interval)))) {}

void ResidualScore::resize(std::size_t members) { resize_tightly(states_, members); }
void ResidualScore::forget(std::size_t member) { states_[member] = {}; }

float ResidualScore::judge(std::span<const float> residuals, const MemberInput& input, bool learn) {
  float score = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    state.size = 0;
    if (!input.known(i)) continue;
    const float square = residuals[i] * residuals[i];
    const float usual = (1 - state.prior) * state.variance + state.prior * kPriorSize + kFloor * kFloor;
    state.size = std::sqrt(square / usual);
    const float over = state.size - kDeadZone;
    // Not a number is not less either, and so gets into the sum.
    if (!(over <= 0)) score += over * std::sqrt(over);
    if (!learn) continue;
    const float gain = std::max(1 / memory_, 1 / (state.readings + 2));
    state.variance = (1 - gain) * (state.variance + gain * square);
    state.readings = std::min(state.readings + 1, memory_);
    state.prior *= prior_fades_;
  }
  return score;
}

void ResidualScore::shares(std::span<float> ret_shares) const {
  for (std::size_t i = 0; i < states_.size(); ++i) ret_shares[i] = states_[i].size * states_[i].size;
  make_shares(ret_shares);
}

}  // namespace hostmedic::detect
