// SPDX-License-Identifier: Apache-2.0
// The moment at which something new begins, out of evidence that may last: high once, then quiet. What was reported
// keeps further reports of the same size quiet for a while and only the surplus of a larger one is told, so that a
// plateau, a slope and a burst of blips are one onset each. One per series or group; one owner.
#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>

#include "detect/model/state_codec.h"

namespace hostmedic::detect {

class Onset {
 public:
  // quiet: samples after which a report has lost two thirds of its weight.
  explicit Onset(float quiet) : fade_(1 - 1 / std::max(1.0F, quiet)) {}

  // 0..1. evidence: >= 0, about 1 and more for what is worth a look; not finite counts as none.
  float step(float evidence) {
    if (!std::isfinite(evidence)) evidence = 0;
    reported_ *= fade_;
    const float surplus = evidence > last_ ? evidence - kWeight * reported_ : 0;
    last_ = evidence;
    if (surplus <= 0) return 0;
    reported_ = std::max(reported_, evidence);
    return 1 - std::exp(-surplus);
  }

  void save(StateWriter& writer) const {
    writer.put(reported_);
    writer.put(last_);
  }
  bool load(StateReader& reader) {
    reported_ = reader.get<float>();
    last_ = reader.get<float>();
    if (reader.good()) return true;
    reported_ = last_ = 0;
    return false;
  }

  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.fade_, self.reported_, self.last_);
  }

 private:
  // Below 1: a thing that comes back is worth a word, a smaller one.
  static constexpr float kWeight = 0.7F;

  float fade_;
  float reported_ = 0, last_ = 0;
};

}  // namespace hostmedic::detect
