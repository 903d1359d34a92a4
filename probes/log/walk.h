// SPDX-License-Identifier: Apache-2.0
// Walks log directories twice and says which files grew in between. Blocks, so it belongs into a worker. A file is
// known by its inode, so one that is renamed while it grows is still the same file.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic::log {

inline constexpr std::size_t kMostEntries = 20000;  // of all roots of one filesystem together
inline constexpr int kDeepest = 8;
inline constexpr std::size_t kMostGrowers = 3;
inline constexpr std::size_t kLongestPath = 512;  // kMostAttributeValue: a path is never cut

struct LogRoot {
  std::string path;  // as the host names it: "/var/log"
  Fd dir;
};

struct Grower {
  std::string path;
  const LogRoot* root = nullptr;
  std::uint64_t device = 0, inode = 0, size = 0, allocated = 0;
  double bytes_per_second = 0;  // of allocated space
};

struct Snapshot {
  struct Seen {
    std::uint64_t allocated = 0;
    MonoTime at;
  };
  std::unordered_map<std::uint64_t, Seen> files;            // by inode; only those that take space
  std::unordered_map<const LogRoot*, std::uint64_t> grown;  // bytes since the snapshot before, by all files together
  MonoTime begun;
  std::uint64_t names_skipped = 0;  // growing files whose names cannot be passed on
  bool cut = false;                 // a bound was reached; files are missing
};

// before: the snapshot to compare with, or null. ret_growers: those that grew, fastest first, at most kMostGrowers.
// Only regular files on the device of the root, no symbolic links, no mounts below. What cannot be opened is left out.
Snapshot walk(const std::vector<LogRoot>& roots, const Snapshot* before, std::vector<Grower>& ret_growers);

}  // namespace hostmedic::log
