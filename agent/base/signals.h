// SPDX-License-Identifier: Apache-2.0
// The wish of the service manager, or of a terminal, that a program ends.
#pragma once

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

// SIGTERM and SIGINT as a descriptor that becomes readable. Before any thread starts: all of them inherit that the
// signals are blocked.
Result<Fd> stop_signals();

}  // namespace hostmedic
