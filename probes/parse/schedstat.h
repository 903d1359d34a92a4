// SPDX-License-Identifier: Apache-2.0
// /proc/schedstat: what the run queues counted, summed over all CPUs. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct SchedStat {
  unsigned cpus = 0;
  std::uint64_t run_ns = 0;      // threads ran
  std::uint64_t waiting_ns = 0;  // threads were runnable and waited for a CPU
  std::uint64_t timeslices = 0;
};

// malformed: no line of a CPU, one with fewer than nine columns, a number that is none, a cut line.
Result<SchedStat> parse_schedstat(std::string_view text);

}  // namespace hostmedic
