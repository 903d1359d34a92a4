// SPDX-License-Identifier: Apache-2.0
// Who has a file open for writing. Blocks, so it belongs into a worker.
#pragma once

#include <cstdint>
#include <string>

namespace hostmedic::log {

inline constexpr std::size_t kMostProcesses = 4096;
inline constexpr std::size_t kMostDescriptors = 4096;  // per process

struct Writers {
  std::uint32_t pid = 0;  // the one that is named: the first that belongs to a unit, else the first; 0: nobody
  std::string name, unit;
  int count = 0;
  bool all_append = false;  // there is one, and each has it open with O_APPEND
};

// path tells the file by its last part before it is looked at, since looking at a descriptor of a dead network mount
// hangs; device and inode decide.
Writers find_writers(int proc, const std::string& path, std::uint64_t device, std::uint64_t inode);

}  // namespace hostmedic::log
