// SPDX-License-Identifier: Apache-2.0
// /proc/vmstat: the few counters that matter here. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// Counters since boot. oom_kills is absent before Linux 4.13.
struct VmStat {
  std::optional<std::uint64_t> faults, major_faults, oom_kills;
};

// malformed: a number that is none, a cut line.
Result<VmStat> parse_vmstat(std::string_view text);

}  // namespace hostmedic
