// SPDX-License-Identifier: Apache-2.0
// What the probe of changes remembers over restarts, as lines of "key value...": the boot and the kernel it saw last,
// until when it told changes, and how far it read the logs of package managers. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic::change {

struct LogPlace {
  std::string path;  // as the host names it
  std::uint64_t device = 0, inode = 0, offset = 0;
  bool operator==(const LogPlace&) const = default;
};

struct Memory {
  std::string boot_id, kernel;
  WallTime seen;  // what changed before was told
  std::vector<LogPlace> logs;
  bool operator==(const Memory&) const = default;
};

inline constexpr std::size_t kMostMemory = 4096;  // bytes of the text

std::string to_text(const Memory& memory);
// malformed: a line that is none of ours, or a key twice. A file that was cut does not end with the line "end".
Result<Memory> parse_memory(std::string_view text);

}  // namespace hostmedic::change
