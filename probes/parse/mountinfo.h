// SPDX-License-Identifier: Apache-2.0
// /proc/PID/mountinfo: one row per mount. Pure; any thread. Read at change only, so it may allocate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

struct Mount {
  unsigned major = 0, minor = 0;  // the device; one device may be mounted in several places
  std::string root;               // the part of the filesystem that is mounted, "/" for the whole
  std::string mount_point;        // raw bytes, escapes undone; absolute
  std::string type;               // "ext4", "tmpfs", "fuse.sshfs"
  std::string source;
  bool read_only = false;             // the mount or the filesystem as a whole
  bool filesystem_read_only = false;  // the latter, wherever it is mounted
};
inline constexpr std::size_t kMostMounts = 16384;

Result<std::vector<Mount>> parse_mountinfo(std::string_view text);

}  // namespace hostmedic
