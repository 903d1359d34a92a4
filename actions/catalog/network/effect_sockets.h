// SPDX-License-Identifier: Apache-2.0
// TCP sockets over the kernel's sock_diag: to look at those of some control groups, and to end one. Any thread.
#pragma once

#include <linux/inet_diag.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

struct TcpSocket {
  std::uint8_t family = 0;  // AF_INET, AF_INET6
  struct inet_diag_sockid id{};
  std::uint32_t uid = 0;
  std::uint64_t group = 0;           // number of its control group; 0: the kernel does not say
  std::chrono::milliseconds idle{};  // since data last came or went
  std::uint16_t local_port() const;
  std::uint16_t peer_port() const;
};

Result<Fd> open_sock_diag();
// All sockets in one state (TCP_ESTABLISHED, TCP_CLOSE_WAIT), at most kMostSockets.
Result<std::vector<TcpSocket>> list_sockets(const Fd& diag, unsigned state);
inline constexpr std::size_t kMostSockets = 200'000;
// Messages of one datagram of the kernel's answer; what is cut off is left out. True: it was the last.
Result<bool> parse_sockets(std::span<const std::byte> datagram, std::vector<TcpSocket>& sockets);
// Its peer is told by a reset, its program by an error. not_found: it ended by itself; unsupported: this kernel was
// built without it.
Status destroy_socket(const Fd& diag, const TcpSocket& socket);

}  // namespace hostmedic
