// SPDX-License-Identifier: Apache-2.0
// One record of /dev/kmsg: "6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=...\n". Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// text points into the parsed record. Control characters and non-ASCII are escaped by the kernel ("\x0a").
struct KmsgRecord {
  unsigned facility = 0;  // 0: the kernel itself; others: programs that wrote to /dev/kmsg
  unsigned level = 0;     // 0 emergency ... 7 debug
  std::uint64_t sequence = 0;
  std::uint64_t time_us = 0;  // since boot, without suspend
  std::string_view text;
};

// malformed: no ';', fewer than three numbers, one that is none.
Result<KmsgRecord> parse_kmsg(std::string_view record);

}  // namespace hostmedic
