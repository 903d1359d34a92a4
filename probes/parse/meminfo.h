// SPDX-License-Identifier: Apache-2.0
// /proc/meminfo in bytes. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct MemInfo {
  std::uint64_t total_bytes = 0;
  std::optional<std::uint64_t> free_bytes, available_bytes, buffers_bytes, cached_bytes, slab_bytes,
      slab_reclaimable_bytes, dirty_bytes, swap_total_bytes, swap_free_bytes;
};

// malformed: no MemTotal, a number that is none or too large, a cut line.
Result<MemInfo> parse_meminfo(std::string_view text);

}  // namespace hostmedic
