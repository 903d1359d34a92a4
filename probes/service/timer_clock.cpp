// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include "agent/base/clock.h"
#include "probes/service/timer_table.h"

namespace hostmedic::service {

TimerClock timer_clock() {
  timespec mono{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &mono);  // cannot fail for this clock
  return {static_cast<std::uint64_t>(to_ns(wall_now()) / 1000),
          static_cast<std::uint64_t>(mono.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(mono.tv_nsec) / 1000};
}

}  // namespace hostmedic::service
