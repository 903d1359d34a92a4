// SPDX-License-Identifier: Apache-2.0
// Which files logrotate's configuration covers. Only names are read: what is done to the files is logrotate's business.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

struct LogrotateConfig {
  std::vector<std::string> patterns;  // absolute shell patterns, quotes and escapes undone
  std::vector<std::string> includes;  // files or directories, as written
};
inline constexpr std::size_t kMostLogrotatePatterns = 4096;
inline constexpr std::size_t kMostLogrotateIncludes = 64;

// malformed: quotes, a block or a script without an end, or an end without a block. logrotate would not use such a file
// either. limit: more patterns or includes than the bounds.
Result<LogrotateConfig> parse_logrotate(std::string_view text);

// Whether logrotate reads a file of this name in an included directory; it leaves what editors and packages leave
// behind, and names that begin with a dot.
bool logrotate_reads(std::string_view file_name);

// As a shell would: '*' does not cross '/'. False for patterns with so many '*' that matching would take long.
bool logrotate_covers(std::string_view pattern, std::string_view path);

}  // namespace hostmedic
