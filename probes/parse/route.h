// SPDX-License-Identifier: Apache-2.0
// Default routes: /proc/net/route (IPv4) and /proc/net/ipv6_route. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

struct Gateway {
  std::string interface;
  std::string address;  // 4 or 16 bytes
  bool operator==(const Gateway&) const = default;
};
inline constexpr std::size_t kMostGateways = 16;

// The gateways of default routes that are up, in the order of the table; each once. At most kMostGateways.
// malformed: a cut line.
Result<std::vector<Gateway>> parse_gateways_v4(std::string_view text);
Result<std::vector<Gateway>> parse_gateways_v6(std::string_view text);

}  // namespace hostmedic
