// SPDX-License-Identifier: Apache-2.0
// /proc/diskstats: one row per block device and partition. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

// Counters since boot. name points into the parsed text.
struct DiskStats {
  unsigned major = 0, minor = 0;
  std::string_view name;
  std::uint64_t reads = 0, reads_merged = 0, read_bytes = 0, read_ms = 0;
  std::uint64_t writes = 0, writes_merged = 0, written_bytes = 0, write_ms = 0;
  std::uint64_t in_flight = 0, busy_ms = 0, queue_ms = 0;
  // Not before Linux 4.18 and 5.5.
  std::optional<std::uint64_t> discards, discarded_bytes, discard_ms, flushes, flush_ms;
};
inline constexpr std::size_t kMostDiskRows = 8192;

// Replaces ret_rows, keeping its capacity. On error its content is the rows before the bad one.
Status parse_diskstats(std::string_view text, std::vector<DiskStats>& ret_rows);

}  // namespace hostmedic
