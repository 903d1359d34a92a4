// SPDX-License-Identifier: Apache-2.0
// /proc/net/dev: one row per network interface. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

struct NetDirection {
  std::uint64_t bytes = 0, packets = 0, errors = 0, dropped = 0;
  std::uint64_t fifo = 0;  // errors for want of room in the card's buffers
};
// Counters since the interface exists. name points into the parsed text.
struct NetDevice {
  std::string_view name;
  NetDirection receive, transmit;
  std::uint64_t frame_errors = 0, multicast = 0;     // received
  std::uint64_t collisions = 0, carrier_losses = 0;  // transmitting
};
inline constexpr std::size_t kMostNetDevices = 16384;

// Replaces ret_rows, keeping its capacity. On error its content is the rows before the bad one.
Status parse_net_dev(std::string_view text, std::vector<NetDevice>& ret_rows);

}  // namespace hostmedic
