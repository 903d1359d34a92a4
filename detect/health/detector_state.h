// SPDX-License-Identifier: Apache-2.0
// What detectors say, as whole state.
#pragma once

#include "detect/detector.h"
#include "detect/model/state_io.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<State> = State::firing;
template <>
inline constexpr auto kLast<Departure> = Departure::stuck;

template <>
struct Members<Finding> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.state, self.score, self.probability, self.expected, self.direction, self.reason, self.since,
                    self.departure);
  }
};

}  // namespace hostmedic::detect
