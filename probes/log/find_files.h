// SPDX-License-Identifier: Apache-2.0
// Finds the log files that an administrator named by patterns. What a pattern's '*' and '?' stand for may be in the
// hands of others, so no symbolic link is followed there, nor for the file itself. Bounded. Any thread.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

namespace hostmedic::log {

// dir, name: to open it; path: as the host names it; found: what is there, a regular file.
using VisitFile =
    std::function<void(int dir, const std::string& name, const std::string& path, const struct stat& found)>;

// prefix: put before the pattern to reach the host's files. pattern: absolute; '*' does not cross '/'. Compressed files
// and, unless the pattern says so, hidden ones are left out.
void find_files(const std::string& prefix, const std::string& pattern, const VisitFile& visit);

// The part of the pattern before the first component with a '*' or a '?', or its directory.
std::string fixed_part(const std::string& pattern);

}  // namespace hostmedic::log
