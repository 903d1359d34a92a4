// SPDX-License-Identifier: Apache-2.0
// The way to the agent's socket for frames.
#pragma once

#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

// SOCK_SEQPACKET, non-blocking.
Result<Fd> connect_daemon(const std::string& path);

}  // namespace hostmedic
