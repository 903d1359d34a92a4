// SPDX-License-Identifier: Apache-2.0
// Which of the kernel's protocol counters become series. One table per file; the kernel's names are those of the MIBs
// in RFC 4022, 4113 and 4293 and, for "TcpExt", its own (include/uapi/linux/snmp.h).
#pragma once

#include <span>

#include "probes/source/number_file.h"

namespace hostmedic {

std::span<const NumberRow> snmp_rows();     // net/snmp
std::span<const NumberRow> netstat_rows();  // net/netstat
std::span<const NumberRow> snmp6_rows();    // net/snmp6

}  // namespace hostmedic
