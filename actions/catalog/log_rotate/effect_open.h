// SPDX-License-Identifier: Apache-2.0
// Opening a log below an allow-listed root so that nobody who may write there can lead us elsewhere: no symbolic link
// on the way, an ordinary file, known by one name only. Any thread.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

struct LogFile {
  Fd dir;            // its directory, readable
  Fd file;           // read and write
  std::string name;  // within dir
  std::string path;  // for texts only
};

// root and path are absolute; path lies below root. root itself may be reached through links: it comes from a policy
// that root owns. Errors: not_found, denied (by the kernel, or not an ordinary file with one name), unsupported (no
// openat2: an old kernel, or a unit with RestrictSUIDSGID=yes).
Result<LogFile> open_log(const std::string& root, const std::string& path);
// The same checks, but only looks; needs no right to read the file.
Result<struct stat> look_at_log(const std::string& root, const std::string& path);

// used / (used + available to an ordinary user), as df prints it; nullopt if it could not be read.
std::optional<double> utilization_of(int fd);

}  // namespace hostmedic
