// SPDX-License-Identifier: Apache-2.0
// What the aggregator is told at start. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/time.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

struct AggregatorOptions {
  // OTLP over mutual TLS.
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 4318;  // 0: any free one
  std::string ca = "/etc/hostmedic-aggregator/tls/ca.crt";
  std::string certificate = "/etc/hostmedic-aggregator/tls/server.crt";
  std::string key = "/etc/hostmedic-aggregator/tls/server.key";
  Bytes body_limit = mib(4);  // of one request, also after unpacking
  std::size_t most_connections = 512;

  // The page and its JSON: plain HTTP, so loopback addresses only.
  std::string page_address = "127.0.0.1";
  std::uint16_t page_port = 8320;       // 0: any free one
  std::vector<std::string> page_hosts;  // accepted in the Host header besides the loopback names

  std::string state_dir = "/var/lib/hostmedic-aggregator";
  Bytes most_size = gib(1);                         // of what is stored
  Duration most_age = std::chrono::hours(24 * 90);  // of what is stored
  LeaseLimits leases;                               // hosts that may act at once, where their policies ask for leave
  Duration silent_after = std::chrono::minutes(3);  // a host that said nothing for so long is shown as silent
};

}  // namespace hostmedic
