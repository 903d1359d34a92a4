// SPDX-License-Identifier: Apache-2.0
// Addresses of the network as plans name them: a peer, an upstream, an allow-list. Names are refused: what a name means
// may change between the plan and the effect. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"

namespace hostmedic {

struct NetAddress {
  bool six = false;
  std::array<std::uint8_t, 16> bytes{};  // the first four where it is no IPv6
  auto operator<=>(const NetAddress&) const = default;
};
// "192.0.2.1", "2001:db8::1"; IPv4 that is mapped into IPv6 becomes IPv4.
Result<NetAddress> parse_net_address(std::string_view text);
std::string to_string(const NetAddress& address);

bool is_loopback(const NetAddress& address);
// Neither unspecified nor loopback, link-local, multicast or broadcast: somebody else's, and one.
bool is_one_peer(const NetAddress& address);

struct NetPlace {
  NetAddress address;
  int prefix = 0;          // bits; 32 or 128: one address
  std::uint16_t port = 0;  // 0: any
  auto operator<=>(const NetPlace&) const = default;
};
bool contains(const NetPlace& place, const NetAddress& address);

// One address with or without a port: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "tcp://192.0.2.1:80",
// "http://192.0.2.1/path". No prefix.
Result<NetPlace> parse_peer(std::string_view text);
// "192.0.2.0/24", and all of parse_peer() but URLs, with commas between; at most kMostAllowed. "none" or empty: none.
Result<std::vector<NetPlace>> parse_allowed(std::string_view text);
inline constexpr std::size_t kMostAllowed = 32;
// As nftables writes it, without the port: "192.0.2.0/24".
std::string to_string(const NetPlace& place);

// The endpoint that an incident is about: its root, or the first endpoint with an address among the causes.
Result<Entity> endpoint_of(const Incident& incident);

}  // namespace hostmedic
