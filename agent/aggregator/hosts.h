// SPDX-License-Identifier: Apache-2.0
// `hosts`: asks the running aggregator by its page. The store belongs to the service's user and is not opened here.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace hostmedic {

// A table, or with json the answer of /api/hosts. Blocking.
Result<std::string> ask_hosts(const std::string& page_address, std::uint16_t page_port, bool json);
// answer: JSON of /api/hosts.
Result<std::string> hosts_table(const std::string& answer);

}  // namespace hostmedic
