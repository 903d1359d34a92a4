// SPDX-License-Identifier: Apache-2.0
// The time of a soak, in a page of memory that the driver writes and every program of the test host reads
// (clock_preload.cpp): it stands still when no frame is sent, and otherwise is the time of the frame that was sent
// last.
#pragma once

#include <atomic>
#include <cstdint>

namespace hostmedic::soak {

struct ClockPage {
  std::atomic<std::int64_t> mono_ns;  // of CLOCK_MONOTONIC and CLOCK_BOOTTIME; 0: not begun, the real clocks count
  std::atomic<std::int64_t> wall_ns;
  std::atomic<std::int64_t> speed;  // seconds of it in a real second, about; timers are shortened by it
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

inline constexpr const char* kClockVariable = "HM_SOAK_CLOCK";  // names the file

}  // namespace hostmedic::soak
