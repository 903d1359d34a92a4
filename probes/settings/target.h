// SPDX-License-Identifier: Apache-2.0
// The address of an active check, taken apart. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct Target {
  enum class Scheme : std::uint8_t { http, https, tcp, tls, dns, exec };
  Scheme scheme = Scheme::tcp;
  std::string host;  // name or address without brackets; of dns: the server, empty for the host's own resolver
  std::uint16_t port = 0;
  std::string rest;  // http: path and query, from '/'; dns: the name that is asked for; exec: the plug-in
};

// Error malformed says what is expected. At most 1,024 bytes; no user information.
Result<Target> parse_target(std::string_view url);

}  // namespace hostmedic
