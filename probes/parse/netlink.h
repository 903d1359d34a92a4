// SPDX-License-Identifier: Apache-2.0
// What the kernel answers over netlink: messages, and of them TCP sockets (sock_diag) and neighbours (rtnetlink).
// Pure; any thread. Views point into the given bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"
#include "probes/parse/ip_address.h"

namespace hostmedic {

// Walks the messages of one datagram. The first that does not fit ends the walk.
class NetlinkMessages {
 public:
  explicit NetlinkMessages(std::string_view datagram) : rest_(datagram) {}
  struct Message {
    std::uint16_t type = 0;
    std::string_view payload;
  };
  std::optional<Message> next();

 private:
  std::string_view rest_;
};

// The errno in the payload of an NLMSG_ERROR or NLMSG_DONE; 0 where it says none.
int netlink_errno(std::string_view payload);

struct InetSocket {
  std::uint8_t state = 0;                       // TCP_ESTABLISHED and so on
  std::uint16_t local_port = 0, peer_port = 0;  // host byte order
  IpAddress local_address{}, peer_address{};
  std::uint32_t receive_queue = 0, send_queue = 0;  // of a listener: those that wait to be accepted, and their limit
  std::uint32_t uid = 0;
  bool orphan = false;                     // no process owns it any more
  std::optional<std::uint64_t> cgroup_id;  // where the kernel says it (5.9)
};
// malformed: shorter than the kernel's record.
Result<InetSocket> parse_inet_socket(std::string_view payload);

struct Neighbour {
  int interface = 0;         // index
  std::uint16_t state = 0;   // NUD_*
  std::string_view address;  // 4 or 16 bytes
};
// malformed: shorter than the kernel's record, or without an address.
Result<Neighbour> parse_neighbour(std::string_view payload);

}  // namespace hostmedic
