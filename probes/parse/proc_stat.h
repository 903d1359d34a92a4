// SPDX-License-Identifier: Apache-2.0
// /proc/stat: time per CPU mode summed over all CPUs, and a few counters. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// Seconds since boot, summed over CPUs. Absent: this kernel does not print the column.
struct CpuStat {
  double user_s = 0, nice_s = 0, system_s = 0, idle_s = 0;
  std::optional<double> iowait_s, irq_s, softirq_s, steal_s;
  unsigned cpus = 0;  // online
  std::optional<std::uint64_t> context_switches, processes_created, processes_running, processes_blocked;
};

// malformed: no "cpu" line, a number that is none, a cut line.
Result<CpuStat> parse_proc_stat(std::string_view text);

}  // namespace hostmedic
