// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace hostmedic {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_ipv4(std::span<const std::uint8_t, 16> address) {
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

}  // namespace

std::string format_address(std::span<const std::uint8_t, 16> address) {
  const bool ipv4 = is_ipv4(address);
  char text[INET6_ADDRSTRLEN] = "";
  // Cannot fail: the family is known and the buffer is large enough.
  (void)::inet_ntop(ipv4 ? AF_INET : AF_INET6, address.data() + (ipv4 ? kMapped.size() : 0), text, sizeof text);
  return text;
}

bool is_loopback(std::span<const std::uint8_t, 16> address) {
  constexpr IpAddress kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return (is_ipv4(address) && address[12] == 127) || std::equal(kLoopback.begin(), kLoopback.end(), address.begin());
}

}  // namespace hostmedic
