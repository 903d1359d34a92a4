// SPDX-License-Identifier: Apache-2.0
// Where the configured upstream is and how it is reached: mutual TLS with the files that the configuration names.
#pragma once

#include <string>

#include "agent/config/agent_config.h"
#include "agent/net/http_client.h"

namespace hostmedic {

struct Upstream {
  HttpClientOptions client;
  std::string path_prefix;  // put before a path; empty or "/something"
};

// An error names the URL or the file that is wrong.
Result<Upstream> reach(const UpstreamConfig& config);

}  // namespace hostmedic
