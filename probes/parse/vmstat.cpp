// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/vmstat.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Result<VmStat> parse_vmstat(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  VmStat stat;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    const std::string_view key = line.word();
    if (key == "pgfault") stat.faults = line.need(key);
    if (key == "pgmajfault") stat.major_faults = line.need(key);
    if (key == "oom_kill") stat.oom_kills = line.need(key);
    if (line.failed()) return std::move(line).error();
  }
  return stat;
}

}  // namespace hostmedic
