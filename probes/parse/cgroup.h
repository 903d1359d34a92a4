// SPDX-License-Identifier: Apache-2.0
// The files of a control group, of both versions. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// "key value" per line, in any order: version 2 cpu.stat, memory.events; version 1 cpu.stat, memory.oom_control. Each
// of the keys that stands in the text gives the value at its place, the others stay unknown. values has the size of
// keys. malformed: a value that is no number, a cut line, none of the keys.
Status parse_cgroup_keyed(std::string_view text, std::span<const std::string_view> keys,
                          std::span<std::optional<std::uint64_t>> values);
// A file that holds one number: memory.current, pids.current; version 1: cpuacct.usage (nanoseconds),
// memory.usage_in_bytes, pids.current.
Result<std::uint64_t> parse_cgroup_number(std::string_view text);
// memory.max, pids.max; version 1: memory.limit_in_bytes. nullopt: there is no limit ("max", or a number that no host
// can reach).
Result<std::optional<std::uint64_t>> parse_cgroup_limit(std::string_view text);

// What went to and came from all devices together.
struct CgroupIo {
  std::uint64_t read = 0, written = 0;  // bytes
  std::uint64_t reads = 0, writes = 0;  // operations
};
// Version 2 io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." per device. Empty: nothing yet, 0.
Result<CgroupIo> parse_cgroup_io_stat(std::string_view text);
// Version 1 blkio.throttle.io_service_bytes and io_serviced: "8:0 Read 1" per device and kind. Fills read and written
// with what is counted, bytes or operations.
Result<CgroupIo> parse_cgroup_blkio(std::string_view text);

// Version 1 "tasks": how many ids it lists. An empty file is an empty group: 0.
Result<std::uint64_t> parse_cgroup_tasks(std::string_view text);

}  // namespace hostmedic
