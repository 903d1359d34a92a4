// SPDX-License-Identifier: Apache-2.0
// Which mounts are filesystems that can fill up and matter. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "probes/parse/mountinfo.h"

namespace hostmedic {

struct Filesystem {
  std::string name;          // the mount point
  std::string source, type;  // "/dev/sda1", "ext4"
  bool read_only = false;
  bool may_hang = false;          // behind a network or a user-space server
  unsigned major = 0, minor = 0;  // of its device; major 0: it has none of its own
};

// One per device, under its shortest mount point; what lies hidden under a later mount is left out. At most `most`, in
// the order of their names.
std::vector<Filesystem> select_filesystems(const std::vector<Mount>& mounts, std::size_t most);

// The one of the selected on which a file lies; null: on none of them. path is absolute and clean.
const Filesystem* filesystem_of(std::string_view path, const std::vector<Mount>& mounts,
                                const std::vector<Filesystem>& selected);

}  // namespace hostmedic
