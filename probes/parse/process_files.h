// SPDX-License-Identifier: Apache-2.0
// The files of one process: /proc/PID/{stat,status,io,schedstat}. Pure; any thread. Text that was cut is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct ProcessStat {
  std::uint32_t pid = 0, parent_pid = 0;
  std::string_view name;  // inside the text; may hold anything but a zero
  char state = '?';
  std::uint32_t flags = 0;  // PF_*
  std::uint64_t minor_faults = 0, major_faults = 0;
  std::uint64_t user_ticks = 0, system_ticks = 0, start_ticks = 0;
  std::uint64_t threads = 0, rss_pages = 0;
};
Result<ProcessStat> parse_process_stat(std::string_view text);

struct ProcessStatus {
  std::optional<std::uint32_t> uid;                                       // real
  std::optional<std::uint64_t> swap_bytes;                                // a kernel thread has none
  std::optional<std::uint64_t> voluntary_switches, involuntary_switches;  // of the first thread only
};
Result<ProcessStatus> parse_process_status(std::string_view text);

struct ProcessIo {
  std::uint64_t read_bytes = 0, written_bytes = 0;
};
Result<ProcessIo> parse_process_io(std::string_view text);

// Nanoseconds on the run queue; of the first thread only.
Result<std::uint64_t> parse_process_run_delay(std::string_view text);

}  // namespace hostmedic
