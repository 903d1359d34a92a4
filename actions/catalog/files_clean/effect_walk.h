// SPDX-License-Identifier: Apache-2.0
// Finds ordinary files below a directory, without following links, without leaving its mount. Blocks; any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct FoundFile {
  std::string directory;  // relative to the root, "." for the root itself
  std::string name;       // as it is on disk: any byte but '/' and NUL
  std::uint64_t device = 0, inode = 0;
  std::uint64_t bytes = 0;  // on disk
  WallTime changed;         // the latest of its times of access, of its content and of its inode
};

struct WalkRules {
  WallTime before = WallTime::max();  // only what was last changed and read before this
  std::size_t most_found = 20'000;    // the largest are kept
  int most_seen = 500'000;            // entries
  MonoTime deadline = MonoTime::max();
};

struct WalkReport {
  std::vector<FoundFile> files;  // largest first; of one size, the oldest first
  std::uint64_t bytes = 0;       // of all that the rules allow, also of those beyond most_found
  int seen = 0;
  int young = 0;       // used since
  int linked = 0;      // known by more than one name
  int unlike = 0;      // no ordinary files: links, FIFOs, sockets, devices
  int mounts = 0;      // directories that are another mount
  int locked = 0;      // directories whose user holds a lock on them, as for systemd-tmpfiles
  int unreadable = 0;  // directories that could not be entered, or lie too deep
  bool complete = true;
};

WalkReport find_files(int root, const WalkRules& rules);

// The latest of the three times.
WallTime last_change(const struct stat& seen);
// root's own file with the sticky bit is a mark for cleaners to leave it alone, as for systemd-tmpfiles.
bool is_kept_by_mark(const struct stat& seen);

}  // namespace hostmedic
