// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/net_dev.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Status parse_net_dev(std::string_view text, std::vector<NetDevice>& ret_rows) {
  ret_rows.clear();
  if (auto whole = require_whole_lines(text); !whole) return whole;
  TextCursor lines(text);
  // Two lines of heading.
  if (lines.line().find('|') == std::string_view::npos || lines.line().find('|') == std::string_view::npos)
    return make_error(ErrorCode::malformed, "line 1: no heading");
  for (unsigned number = 3; !lines.at_end(); ++number) {
    if (ret_rows.size() == kMostNetDevices) return make_error(ErrorCode::limit, "more interfaces than are followed");
    const std::string_view whole_line = lines.line();
    // The first value may follow the colon without a blank. A name holds no colon.
    const auto colon = whole_line.find(':');
    if (colon == std::string_view::npos) return line_error(number, "interface", "no colon");
    NetDevice row;
    row.name = trim(whole_line.substr(0, colon));
    if (row.name.empty()) return line_error(number, "interface", "no name");
    Columns line(whole_line.substr(colon + 1), number);
    row.receive.bytes = line.need("received bytes");
    row.receive.packets = line.need("received packets");
    row.receive.errors = line.need("receive errors");
    row.receive.dropped = line.need("receive drops");
    row.receive.fifo = line.need("receive fifo errors");
    row.frame_errors = line.need("frame errors");
    line.skip("compressed received");
    row.multicast = line.need("multicast");
    row.transmit.bytes = line.need("transmitted bytes");
    row.transmit.packets = line.need("transmitted packets");
    row.transmit.errors = line.need("transmit errors");
    row.transmit.dropped = line.need("transmit drops");
    row.transmit.fifo = line.need("transmit fifo errors");
    row.collisions = line.need("collisions");
    row.carrier_losses = line.need("carrier losses");
    if (line.failed()) return std::move(line).error().in(printable(row.name, 32));
    ret_rows.push_back(row);
  }
  return ok();
}

}  // namespace hostmedic
