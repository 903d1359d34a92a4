// SPDX-License-Identifier: Apache-2.0
// What this process costs the host: CPU, resident memory, wake-ups. Any thread.
#pragma once

#include <cstdint>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct Usage {
  Duration cpu{};              // user + system since the start of the process
  Bytes resident;              // now
  std::uint64_t switches = 0;  // voluntary context switches: how often it went to sleep and was woken
};

Result<Usage> own_usage();

}  // namespace hostmedic
