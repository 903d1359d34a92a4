// SPDX-License-Identifier: Apache-2.0
// Who has a file open for writing. Blocks, so it belongs into a worker.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace hostmedic::log {

inline constexpr std::size_t kMostProcesses = 4096;
inline constexpr std::size_t kMostDescriptors = 4096;  // per process
inline constexpr std::size_t kMostDeleted = 256;

struct Writers {
  std::uint32_t pid = 0;  // the one that is named: the first that belongs to a unit, else the first; 0: nobody
  std::string name, unit;
  int count = 0;
  bool all_append = false;  // there is one, and each has it open with O_APPEND
};

// path tells the file by its last part before it is looked at, since looking at a descriptor of a dead network mount
// hangs; device and inode decide.
Writers find_writers(int proc, const std::string& path, std::uint64_t device, std::uint64_t inode);

// A file without a name that somebody still writes to: its room comes back when the last one closes it.
inline constexpr std::string_view kDeletedMark = " (deleted)";  // the kernel's, after what the name was
struct DeletedFile {
  std::string path;  // with the mark
  std::uint64_t size = 0, allocated = 0;
  Writers writers;
};
// Those of a device, by inode. Asks no server for what it can be told from memory, so that no network mount holds it
// up.
std::map<std::uint64_t, DeletedFile> find_deleted(int proc, std::uint64_t device);

}  // namespace hostmedic::log
