// SPDX-License-Identifier: Apache-2.0
// For how long a condition has been seen to hold. Time that nobody observed counts neither way: the step over an
// unknown reading adds nothing, and a long gap adds kMostGap at most. Owned by one detector.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <tuple>

#include "agent/base/time.h"

namespace hostmedic::detect {

class Hold {
 public:
  static constexpr Duration kMostGap = std::chrono::seconds(60);
  // Readings come a little early or late: what has to hold for two seconds is not put off to the third by a
  // millisecond.
  static constexpr Duration kEarly = std::chrono::milliseconds(50);

  void step(MonoTime at, bool holds) {
    if (!holds) {
      since_.reset();
    } else if (!since_) {
      since_ = at;
      seen_ = Duration::zero();
    } else if (observed_) {
      seen_ += std::min<Duration>(at - last_, kMostGap);
    }
    last_ = at;
    observed_ = true;
  }
  void unknown() { observed_ = false; }
  void reset() { since_.reset(); }

  bool sane() const {
    const auto possible = [](MonoTime at) { return to_ns(at) >= 0 && to_ns(at) < std::int64_t{1} << 62; };
    return possible(since_.value_or(MonoTime{})) && possible(last_) && seen_ >= Duration::zero();
  }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.since_, self.seen_, self.last_, self.observed_);
  }

  bool held(Duration duration) const { return since_ && seen_ >= duration - std::min<Duration>(kEarly, duration / 10); }
  // The first reading at which it held; only while it holds.
  MonoTime since() const { return since_.value_or(MonoTime{}); }

 private:
  std::optional<MonoTime> since_;
  Duration seen_{};
  MonoTime last_;
  bool observed_ = false;
};

inline Duration seconds_of(double seconds) { return Duration(static_cast<Duration::rep>(seconds * 1e9)); }

}  // namespace hostmedic::detect
