// SPDX-License-Identifier: Apache-2.0
// The TCP sockets of this network namespace, counted as the kernel tells them one by one. Sockets in TIME_WAIT are not
// asked for: there may be very many, and /proc/net/sockstat counts them. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
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

struct TcpTable {
  static constexpr std::size_t kMostOwners = 1024;
  static constexpr std::size_t kMostListeners = 512;

  void add(const InetSocket& socket);

  std::array<std::uint64_t, kTcpStates> states{};
  std::map<Owner, Owned> owners;
  std::vector<Listener> listeners;  // one per port and owner
  std::uint64_t left_out = 0;       // sockets whose owner or port is past the bounds
};

// Adds what the kernel tells. everything: all states, else only listeners.
Status read_tcp_table(bool everything, TcpTable& table);

}  // namespace hostmedic
