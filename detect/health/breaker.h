// SPDX-License-Identifier: Apache-2.0
// The circuit breaker of one model: one that fails, or that costs more than its budget, is taken out at once and rules
// go on without it; it is tried again, new, after a while that doubles from ten minutes to a day. One owner.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "agent/base/time.h"

namespace hostmedic::detect {

class Breaker {
 public:
  static constexpr Duration kFirstRest = std::chrono::minutes(10), kLongestRest = std::chrono::hours(24);
  static constexpr Duration kSound = std::chrono::hours(1);  // in use for this long: the next rest is short again
  static constexpr int kMostOverBudget = 3;                  // steps in a row

  // Whether the model may be used now. True once after a rest: the caller makes the model anew before it uses it.
  bool allows(MonoTime now) const { return !rests_until_ || now >= *rests_until_; }
  bool is_out() const { return rests_until_.has_value(); }
  // The model was made anew and goes on.
  void close(MonoTime now) {
    rests_until_.reset();
    since_ = now;
    over_ = 0;
  }
  // A score that is not finite, a state that the model itself calls broken, a load that failed.
  void fail(MonoTime now, std::string_view reason) {
    if (since_ && now - *since_ >= kSound) rest_ = kFirstRest;
    rests_until_ = now + rest_;
    rest_ = std::min(rest_ * 2, kLongestRest);
    since_.reset();
    reason_ = reason;
    ++times_;
  }
  // What a step took. One slow step is the machine's fault, several in a row are the model's.
  void cost(MonoTime now, Duration spent, Duration budget) {
    over_ = spent > budget ? over_ + 1 : 0;
    if (over_ < kMostOverBudget || is_out()) return;
    fail(now, "a step took " + format_duration(spent) + ", its budget is " + format_duration(budget));
  }
  const std::string& reason() const { return reason_; }  // of the last time
  std::optional<MonoTime> rests_until() const { return rests_until_; }
  int times() const { return times_; }
  bool sane() const { return rest_ >= kFirstRest && rest_ <= kLongestRest; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.rests_until_, self.since_, self.rest_, self.over_, self.times_, self.reason_);
  }

 private:
  std::optional<MonoTime> rests_until_, since_;
  Duration rest_ = kFirstRest;
  int over_ = 0, times_ = 0;
  std::string reason_;
};

}  // namespace hostmedic::detect
