// SPDX-License-Identifier: Apache-2.0
// The aggregator's configuration, /etc/hostmedic-aggregator/aggregator.toml. Blocking file reads.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/log.h"
#include "agent/base/time.h"
#include "agent/config/diagnostic.h"

namespace hostmedic {

inline constexpr const char* kAggregatorConfigFile = "/etc/hostmedic-aggregator/aggregator.toml";

struct AggregatorConfig {
  std::string listen = "127.0.0.1:4318";  // OTLP over mutual TLS
  std::string page = "127.0.0.1:8320";    // the page and its JSON, plain HTTP, loopback only
  std::string state_dir = "/var/lib/hostmedic-aggregator";
  std::string ca = "/etc/hostmedic-aggregator/tls/ca.crt";
  std::string certificate = "/etc/hostmedic-aggregator/tls/server.crt";
  std::string key = "/etc/hostmedic-aggregator/tls/server.key";
  LogLevel log_level = LogLevel::info;
  Bytes body_most = mib(4);
  int connections_most = 256;
  Bytes store_size = gib(1);
  Duration store_age = std::chrono::hours(24 * 90);
  int leases_most = 3;
  double leases_share = 0.05;
};

// A missing file is an error, except at the default path, where it means the defaults and is noticed.
Loaded<AggregatorConfig> load_aggregator_config(const std::string& path);
// The same from one text; file names it in diagnostics.
Loaded<AggregatorConfig> parse_aggregator_config(std::string_view text, const std::string& file);

}  // namespace hostmedic
