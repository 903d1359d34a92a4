// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/schedstat.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Result<SchedStat> parse_schedstat(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  SchedStat stat;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    const std::string_view whole_line = lines.line();
    // Between the CPUs are their scheduling domains, in long lines.
    if (!whole_line.starts_with("cpu")) continue;
    Columns line(whole_line, number);
    const std::string_view cpu = line.word();
    for (int i = 0; i < 6; ++i) line.skip(cpu);
    stat.run_ns += line.need("time running");  // a wrap-around is a reset like any other
    stat.waiting_ns += line.need("time waiting");
    stat.timeslices += line.need("time slices");
    if (line.failed()) return std::move(line).error();
    ++stat.cpus;
  }
  if (stat.cpus == 0) return make_error(ErrorCode::malformed, "no cpu line");
  return stat;
}

}  // namespace hostmedic
