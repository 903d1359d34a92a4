// SPDX-License-Identifier: Apache-2.0
// Removes files that a walk found, each judged again at the moment it goes. Blocks; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actions/catalog/files_clean/effect_walk.h"

namespace hostmedic {

struct RemoveRules {
  WallTime before;               // as in the walk
  std::uint64_t free_bytes = 0;  // enough is enough
  std::size_t most_files = 0;
  MonoTime deadline = MonoTime::max();
};
struct RemoveReport {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  int in_use = 0;       // somebody has it open, or the filesystem cannot tell
  int changed = 0;      // no longer what the walk saw: used, exchanged, moved, linked, gone
  int failed = 0;       // the kernel refused
  std::string largest;  // path, relative to the root
};

// A file goes only if it is still the one that was found, ordinary, of one name, as old as wanted, and open to nobody.
// It is renamed first: whatever takes the name in the same moment stays.
RemoveReport remove_files(int root, const std::vector<FoundFile>& files, const RemoveRules& rules);

}  // namespace hostmedic
