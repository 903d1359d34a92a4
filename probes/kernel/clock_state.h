// SPDX-License-Identifier: Apache-2.0
// What the kernel says of its wall clock, in seconds and ratios. Pure; any thread.
#pragma once

#include <sys/timex.h>

#include <optional>

#include "agent/base/time.h"

namespace hostmedic {

struct ClockState {
  double offset_s = 0;           // that the kernel still has to work off; chrony does that itself and leaves 0
  double estimated_error_s = 0;  // as the time service sees it
  double maximum_error_s = 0;    // grows while nobody disciplines the clock
  double frequency = 0;          // correction as a ratio: 20e-6 is 20 ppm
  bool synchronized = false;
  int leap_s = 0;  // the second that will be inserted (+1) or left out (-1) at the end of the day
};
// result: what adjtimex returned, not negative.
ClockState clock_state(const timex& kernel, int result);

// Tells by how far the wall clock was set, from pairs of both clocks. A clock that is only slewed drifts against the
// other by far less than kLeast between two looks.
class StepWatch {
 public:
  static constexpr Duration kLeast = std::chrono::milliseconds(10);
  // The step since the last look; nothing at the first, or when it was smaller than kLeast.
  std::optional<Duration> look(WallTime wall, MonoTime mono);

 private:
  std::optional<Duration> difference_;
};

// How far the wall clock was taken from where a time service had it: the steps since that the service has not made its
// own. Of a clock that nobody ever kept nothing is known, so it is never astray.
class Astray {
 public:
  void stepped(Duration by);
  void seen(bool synchronized);
  Duration by() const { return by_; }

 private:
  bool kept_ = false;
  Duration by_{};
};

}  // namespace hostmedic
