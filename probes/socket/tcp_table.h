// SPDX-License-Identifier: Apache-2.0
// The TCP sockets of this network namespace, counted as the kernel tells them one by one. Sockets in TIME_WAIT are not
// asked for: there may be very many, and /proc/net/sockstat counts them. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "probes/parse/netlink.h"

namespace hostmedic {

inline constexpr std::size_t kTcpStates = 12;  // as the kernel numbers them, from 1
// "established", as OpenTelemetry calls it; empty for numbers that are no state.
std::string_view tcp_state_name(std::size_t state);

struct Owner {
  std::uint64_t cgroup_id = 0;  // 0: the kernel does not say
  std::uint32_t uid = 0;
  auto operator<=>(const Owner&) const = default;
};
struct Owned {
  std::uint64_t established = 0, close_wait = 0;
};
struct Listener {
  std::uint16_t port = 0;
  Owner owner;
  std::uint64_t waiting = 0;  // to be accepted, over all sockets of the port
  double utilization = 0;     // of the fullest socket
};

// Where a control group listens, or what it is connected to. Of connections only those that it opened, as far as a
// port can tell: it does not listen on their local port.
struct Place {
  std::uint64_t cgroup_id = 0;
  IpAddress address{};
  std::uint16_t port = 0;
  auto operator<=>(const Place&) const = default;
};

struct TcpTable {
  static constexpr std::size_t kMostOwners = 1024;
  static constexpr std::size_t kMostListeners = 512;
  static constexpr std::size_t kMostPeers = 1024;
  // Ports from here on are given out as they come: on another host they say nothing.
  static constexpr std::uint16_t kFirstEphemeral = 32768;

  // Listeners before others, as the kernel tells them.
  void add(const InetSocket& socket);

  std::array<std::uint64_t, kTcpStates> states{};
  std::map<Owner, Owned> owners;
  std::vector<Listener> listeners;  // one per port and owner
  std::set<Place> listening;
  std::map<Place, bool> peers;  // true: under an address of this host's own
  std::uint64_t left_out = 0;   // sockets whose owner, port or peer is past the bounds

 private:
  void add_listener(const InetSocket& socket, const Owner& owner);
  void add_peer(const InetSocket& socket, const Owner& owner);
  std::set<std::pair<std::uint64_t, std::uint16_t>> served_;  // by control group: ports that it listens on
};

// Adds what the kernel tells. everything: all states, else only listeners.
Status read_tcp_table(bool everything, TcpTable& table);

}  // namespace hostmedic
