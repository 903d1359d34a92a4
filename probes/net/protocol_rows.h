// SPDX-License-Identifier: Apache-2.0
// Which of the kernel's protocol counters become series. One table per file; the kernel's names are those of the MIBs
// in RFC 4022, 4113 and 4293 and, for "TcpExt", its own (include/uapi/linux/snmp.h).
#pragma once

#include <span>
#include <string_view>

#include "probes/source/number_file.h"

namespace hostmedic {

std::span<const NumberRow> snmp_rows();     // net/snmp
std::span<const NumberRow> netstat_rows();  // net/netstat
std::span<const NumberRow> snmp6_rows();    // net/snmp6
// net/softnet_stat, which has no heading, with the names of its columns.
std::span<const NumberRow> softnet_rows();
inline constexpr std::string_view kSoftnetHeading =
    "processed dropped time_squeeze 3 4 5 6 7 cpu_collision received_rps flow_limit";
std::span<const NumberRow> conntrack_rows();  // net/stat/nf_conntrack

}  // namespace hostmedic
