// SPDX-License-Identifier: Apache-2.0
#include "probes/socket/tcp_table.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>

#include "probes/socket/netlink_socket.h"

namespace hostmedic {
namespace {

constexpr std::array<std::string_view, kTcpStates> kNames{"",           "established", "syn_sent",  "syn_received",
                                                          "fin_wait_1", "fin_wait_2",  "time_wait", "closed",
                                                          "close_wait", "last_ack",    "listen",    "closing"};

struct Request {
  nlmsghdr head;
  inet_diag_req_v2 body;
};

}  // namespace

std::string_view tcp_state_name(std::size_t state) { return state < kTcpStates ? kNames[state] : std::string_view(); }

void TcpTable::add(const InetSocket& socket) {
  if (socket.state >= kTcpStates) return;
  ++states[socket.state];
  const Owner owner{socket.cgroup_id.value_or(0), socket.uid};
  if (socket.state == TCP_LISTEN) return add_listener(socket, owner);
  if (socket.orphan || (socket.state != TCP_ESTABLISHED && socket.state != TCP_CLOSE_WAIT)) return;
  add_peer(socket, owner);
  if (owners.size() >= kMostOwners && !owners.contains(owner)) {
    ++left_out;
    return;
  }
  Owned& owned = owners[owner];
  ++(socket.state == TCP_ESTABLISHED ? owned.established : owned.close_wait);
}

void TcpTable::add_listener(const InetSocket& socket, const Owner& owner) {
  const auto same = [&](const Listener& one) { return one.port == socket.local_port && one.owner == owner; };
  auto found = std::find_if(listeners.begin(), listeners.end(), same);
  if (found == listeners.end()) {
    if (listeners.size() >= kMostListeners) {
      ++left_out;
      return;
    }
    found = listeners.insert(listeners.end(), Listener{socket.local_port, owner, 0, 0});
  }
  found->waiting += socket.receive_queue;
  if (socket.send_queue > 0)
    found->utilization = std::max(found->utilization,
                                  static_cast<double>(socket.receive_queue) / static_cast<double>(socket.send_queue));
  if (owner.cgroup_id == 0 || listening.size() >= kMostListeners) return;
  listening.insert({owner.cgroup_id, socket.local_address, socket.local_port});
  served_.insert({owner.cgroup_id, socket.local_port});
}

void TcpTable::add_peer(const InetSocket& socket, const Owner& owner) {
  if (owner.cgroup_id == 0 || socket.peer_port == 0 || served_.contains({owner.cgroup_id, socket.local_port})) return;
  const bool loopback = is_loopback(socket.peer_address);
  const bool own = !loopback && socket.local_address == socket.peer_address;
  if (socket.peer_port >= kFirstEphemeral && !loopback && !own) return;
  const Place place{owner.cgroup_id, socket.peer_address, socket.peer_port};
  if (peers.size() < kMostPeers) {
    peers.emplace(place, own);
  } else if (!peers.contains(place)) {
    ++left_out;
  }
}

Status read_tcp_table(bool everything, TcpTable& table) {
  constexpr std::uint32_t kAll = (1U << kTcpStates) - 2;
  const std::uint32_t states = everything ? kAll & ~(1U << TCP_TIME_WAIT) : 1U << TCP_LISTEN;
  for (const int family : {AF_INET, AF_INET6}) {
    Request request{};
    request.head.nlmsg_len = sizeof request;
    request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.sdiag_family = static_cast<std::uint8_t>(family);
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = states;
    auto read =
        netlink_dump(NETLINK_SOCK_DIAG, std::string_view(reinterpret_cast<const char*>(&request), sizeof request),
                     SOCK_DIAG_BY_FAMILY, [&](std::string_view payload) {
                       if (const auto socket = parse_inet_socket(payload)) table.add(*socket);
                     });
    if (!read) return read;
  }
  return ok();
}

}  // namespace hostmedic
