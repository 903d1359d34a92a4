// SPDX-License-Identifier: Apache-2.0
// Opening what lies below a directory so that nobody who may write there can lead us elsewhere. Any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

enum class Mounts : std::uint8_t { cross, stay };

// path is relative to dir. No symbolic link on the way, nothing above dir, with Mounts::stay no other mount. Errors:
// denied (by the kernel, a link, or another mount), not_found, unsupported (no openat2: an old kernel, or a unit with
// RestrictSUIDSGID=yes).
Result<Fd> open_beneath(int dir, const std::string& path, int flags, Mounts mounts);
// path is absolute; no part of it is a symbolic link.
Result<Fd> open_without_links(const std::string& path, int flags);

// An ordinary file that is known by one name only.
Result<struct stat> stat_ordinary(int fd, const std::string& path);

// Bytes that an ordinary user may still take; nullopt if it could not be read.
std::optional<std::uint64_t> available_on(int fd);

}  // namespace hostmedic
