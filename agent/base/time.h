// SPDX-License-Identifier: Apache-2.0
// Points in time as types, so that monotonic and wall time cannot be mixed. There is no now() here on purpose: detect/
// and the guard see time only in their data. The shell reads the clock with agent/base/clock.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hostmedic {

using Duration = std::chrono::nanoseconds;

// Nanoseconds of CLOCK_BOOTTIME: never steps, counts suspend, starts at 0 with the boot.
struct MonoClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};
// Nanoseconds of CLOCK_REALTIME since 1970-01-01 UTC. May step.
struct WallClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallClock>;
  static constexpr bool is_steady = false;
};
using MonoTime = MonoClock::time_point;
using WallTime = WallClock::time_point;

constexpr std::int64_t to_ns(Duration d) { return d.count(); }
constexpr std::int64_t to_ns(MonoTime t) { return t.time_since_epoch().count(); }
constexpr std::int64_t to_ns(WallTime t) { return t.time_since_epoch().count(); }
constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
constexpr MonoTime mono_from_ns(std::int64_t ns) { return MonoTime(Duration(ns)); }
constexpr WallTime wall_from_ns(std::int64_t ns) { return WallTime(Duration(ns)); }

// "2026-11-21T02:18:53.120Z"
std::string format_utc(WallTime t);
// Two significant units at most: "350ms", "2.4s", "3m20s", "5h10m", "2d4h".
std::string format_duration(Duration d);

}  // namespace hostmedic
