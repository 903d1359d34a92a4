// SPDX-License-Identifier: Apache-2.0
// /proc/stat: time per CPU mode, interrupts and a few counters. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

// What one CPU did since boot, in ticks. All zero if the kernel prints less than the four oldest columns.
struct CpuTicks {
  unsigned number = 0;
  std::uint64_t total = 0, unused = 0, interrupt = 0;  // unused: idle, iowait and steal
};
inline constexpr std::size_t kMostCpus = 16384;
inline constexpr std::size_t kSoftIrqTypes = 10;

// Seconds since boot are summed over CPUs. Absent: this kernel does not print it.
struct ProcStat {
  double user_s = 0, nice_s = 0, system_s = 0, idle_s = 0;
  std::optional<double> iowait_s, irq_s, softirq_s, steal_s;
  std::vector<CpuTicks> cpus;  // those online
  std::optional<std::uint64_t> interrupts, context_switches, processes_created, processes_running, processes_blocked;
  std::optional<std::uint64_t> boot_time_s;                          // since 1970
  std::array<std::optional<std::uint64_t>, kSoftIrqTypes> softirqs;  // in the order of kSoftIrqNames
};
inline constexpr std::array<std::string_view, kSoftIrqTypes> kSoftIrqNames{
    "high", "timer", "net_tx", "net_rx", "block", "irq_poll", "tasklet", "sched", "hrtimer", "rcu"};

// Replaces ret_stat, keeping the capacity of cpus. malformed: no "cpu" line, a number that is none, a cut line; limit:
// more CPUs than are followed. On error ret_stat is of no use.
Status parse_proc_stat(std::string_view text, ProcStat& ret_stat);

}  // namespace hostmedic
