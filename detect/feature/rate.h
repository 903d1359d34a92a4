// SPDX-License-Identifier: Apache-2.0
// A cumulative counter as its rate per second. The engine feeds every rule on a counter with this. One per series.
#pragma once

#include <optional>
#include <tuple>

#include "detect/detector.h"

namespace hostmedic::detect {

class CounterRate {
 public:
  // nullopt: too soon after the last reading for a rate, pass nothing on. Otherwise a reading with the mean rate since
  // the last known value, or without a value: first reading, failed read (or no number), reset, or more than kMostGap
  // without one.
  std::optional<Reading> step(const Reading& reading) {
    Reading rate = reading;
    rate.value.reset();
    if (!is_known(reading.value)) return rate;
    if (last_ && reading.at - at_ < kShortest) return std::nullopt;
    const bool usable = last_ && reading.at - at_ <= kMostGap && *reading.value >= *last_;
    if (usable) rate.value = (*reading.value - *last_) / to_seconds(reading.at - at_);
    last_ = reading.value;
    at_ = reading.at;
    return rate;
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.last_, self.at_);
  }

 private:
  // A shorter step makes a rate of rounding errors; an older value says nothing of the present.
  static constexpr Duration kShortest = std::chrono::milliseconds(50);
  static constexpr Duration kMostGap = std::chrono::minutes(5);

  std::optional<double> last_;
  MonoTime at_;
};

// The unit of the rate of a counter.
constexpr Unit rate_unit(Unit counter) {
  switch (counter) {
    case Unit::seconds: return Unit::ratio;
    case Unit::bytes: return Unit::bytes_per_second;
    case Unit::count:
    case Unit::ratio:
    case Unit::bytes_per_second:
    case Unit::per_second:
    case Unit::celsius: break;
  }
  return Unit::per_second;
}

}  // namespace hostmedic::detect
