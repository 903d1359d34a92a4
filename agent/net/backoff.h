// SPDX-License-Identifier: Apache-2.0
// How long to wait before a request is repeated. Pure: random numbers come from a seed, so the same seed and the same
// history give the same waits on every machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// Exponential with full jitter: the n-th wait is uniform between 0 and min(most, first * 2^n).
class Backoff {
 public:
  Backoff(std::uint64_t seed, Duration first, Duration most) : state_(seed), first_(first), most_(most) {}
  Duration next();
  // Uniform between 0 and first; spreads hosts that were all told the same time.
  Duration spread() { return uniform(first_); }
  void reset() { failures_ = 0; }
  unsigned failures() const { return failures_; }

 private:
  Duration uniform(Duration most);
  std::uint64_t state_;
  Duration first_, most_;
  unsigned failures_ = 0;
};

// The value of a Retry-After header: seconds or an HTTP date ("Sun, 06 Nov 1994 08:49:37 GMT"; a past one is 0).
// At most a day.
Result<Duration> parse_retry_after(std::string_view text, WallTime now);

}  // namespace hostmedic
