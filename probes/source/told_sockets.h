// SPDX-License-Identifier: Apache-2.0
// Where services listen and what they connect to, as found in a table of sockets or connections: the same events as of
// one that was seen to happen, but without the process. One thread.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "probes/parse/ip_address.h"
#include "probes/source/relations.h"

namespace hostmedic {

struct ToldSocket {
  bool listens = false;  // else it is where a connection goes
  std::string unit;
  IpAddress address{};
  std::uint32_t port = 0;
  auto operator<=>(const ToldSocket&) const = default;
};
using ToldSockets = ToldMemory<ToldSocket>;
inline constexpr std::size_t kMostToldSockets = 2048;
// So long after the start all is new, which is no news.
inline constexpr Duration kSocketsInitial = std::chrono::minutes(10);

// own_address: the peer has the same address as we, and so is on this host.
inline Event socket_event(EntityId about, const ToldSocket& socket, bool own_address, bool initial, MonoTime now) {
  Event event{socket.listens ? EventKind::listener : EventKind::destination, about, now, {}};
  const auto add = [&](std::string_view key, std::string value) {
    event.attributes.push_back({std::string(key), std::move(value)});
  };
  const std::string address = format_address(socket.address), port = std::to_string(socket.port);
  add(attr::kNetworkTransport, "tcp");
  if (socket.listens) {
    add(attr::kNetworkLocalAddress, address);
    add(attr::kNetworkLocalPort, port);
    add(attr::kListenerState, "listening");
  } else {
    if (own_address) add(attr::kNetworkLocalAddress, address);
    add(attr::kNetworkPeerAddress, address);
    add(attr::kNetworkPeerPort, port);
  }
  if (initial) add(attr::kNetworkInitial, "1");
  add(attr::kProcessUnit, socket.unit);
  return event;
}

}  // namespace hostmedic
