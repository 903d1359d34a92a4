// SPDX-License-Identifier: Apache-2.0
#include "agent/base/clock.h"

#include <ctime>

namespace hostmedic {
namespace {
std::int64_t read_clock(clockid_t id) {
  timespec now{};
  // Cannot fail for these clocks on a supported kernel.
  (void)clock_gettime(id, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}
}  // namespace

MonoTime mono_now() { return mono_from_ns(read_clock(CLOCK_BOOTTIME)); }
Duration thread_cpu_time() { return Duration(read_clock(CLOCK_THREAD_CPUTIME_ID)); }
WallTime wall_now() { return wall_from_ns(read_clock(CLOCK_REALTIME)); }

}  // namespace hostmedic
