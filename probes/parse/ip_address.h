// SPDX-License-Identifier: Apache-2.0
// Addresses as those of IPv6; IPv4 is mapped into it (::ffff:192.0.2.1). Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace hostmedic {

using IpAddress = std::array<std::uint8_t, 16>;

// "192.0.2.1", "2001:db8::1"; mapped IPv4 as IPv4.
std::string format_address(std::span<const std::uint8_t, 16> address);
// ::1 and 127.0.0.0/8.
bool is_loopback(std::span<const std::uint8_t, 16> address);

}  // namespace hostmedic
