// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/diskstats.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Status parse_diskstats(std::string_view text, std::vector<DiskStats>& ret_rows) {
  constexpr std::uint64_t kSector = 512;  // the unit of this file whatever the device's own sector size is
  ret_rows.clear();
  if (text.empty()) return ok();  // a container without block devices
  if (auto whole = require_whole_lines(text); !whole) return whole;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    if (ret_rows.size() == kMostDiskRows) return make_error(ErrorCode::limit, "more block devices than are followed");
    Columns line(lines.line(), number);
    DiskStats row;
    const std::uint64_t major = line.need("major"), minor = line.need("minor");
    if (!line.failed() && (major > 0xfff || minor > 0xfffff)) return line_error(number, "device number", "too large");
    row.major = static_cast<unsigned>(major);
    row.minor = static_cast<unsigned>(minor);
    row.name = line.word();
    row.reads = line.need("reads");
    row.reads_merged = line.need("reads merged");
    row.read_bytes = line.need("sectors read", kSector);
    row.read_ms = line.need("read time");
    row.writes = line.need("writes");
    row.writes_merged = line.need("writes merged");
    row.written_bytes = line.need("sectors written", kSector);
    row.write_ms = line.need("write time");
    row.in_flight = line.need("requests in flight");
    row.busy_ms = line.need("busy time");
    row.queue_ms = line.need("queue time");
    row.discards = line.maybe("discards");
    (void)line.maybe("discards merged");
    row.discarded_bytes = line.maybe("sectors discarded", kSector);
    row.discard_ms = line.maybe("discard time");
    row.flushes = line.maybe("flushes");
    row.flush_ms = line.maybe("flush time");
    if (line.failed()) {
      if (row.name.empty()) return std::move(line).error();
      return std::move(line).error().in(printable(row.name, 32));
    }
    ret_rows.push_back(row);
  }
  return ok();
}

}  // namespace hostmedic
