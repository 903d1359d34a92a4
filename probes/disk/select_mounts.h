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
  bool may_hang = false;  // behind a network or a user-space server
};

// One per device, under its shortest mount point; what lies hidden under a later mount is left out. At most `most`, in
// the order of their names.
std::vector<Filesystem> select_filesystems(const std::vector<Mount>& mounts, std::size_t most);

}  // namespace hostmedic
