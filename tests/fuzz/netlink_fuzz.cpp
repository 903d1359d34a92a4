// SPDX-License-Identifier: Apache-2.0
// Drives the readers of what the kernel answers over netlink. What must hold: no crash, no read outside the datagram,
// and an end.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/parse/netlink.h"

using namespace hostmedic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  NetlinkMessages messages(datagram);
  std::size_t count = 0;
  while (const auto message = messages.next()) {
    if (++count > size || message->payload.data() + message->payload.size() > datagram.data() + size) __builtin_trap();
    (void)netlink_errno(message->payload);
    (void)parse_inet_socket(message->payload);
    (void)parse_neighbour(message->payload);
  }
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  // A message of 100 bytes: its head, a socket of 72, and two attributes.
  std::string socket(100, '\0');
  socket[0] = 100;
  socket[4] = 20;
  socket[88] = 12;
  socket[90] = 21;
  // 36 bytes: its head, a neighbour of 12, and an address.
  std::string neighbour(36, '\0');
  neighbour[0] = 36;
  neighbour[4] = 28;
  neighbour[28] = 8;
  neighbour[30] = 1;
  return {socket, neighbour, socket + neighbour};
}
