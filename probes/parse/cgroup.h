// SPDX-License-Identifier: Apache-2.0
// The files of a control group, of both versions. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// Version 2 cpu.stat: microseconds of CPU time ("usage_usec").
Result<std::uint64_t> parse_cgroup_cpu_stat(std::string_view text);
// A file that holds one number: memory.current, pids.current; version 1: cpuacct.usage (nanoseconds),
// memory.usage_in_bytes, pids.current.
Result<std::uint64_t> parse_cgroup_number(std::string_view text);
// Version 1 "tasks": how many ids it lists. An empty file is an empty group: 0.
Result<std::uint64_t> parse_cgroup_tasks(std::string_view text);

}  // namespace hostmedic
