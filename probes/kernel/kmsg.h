// SPDX-License-Identifier: Apache-2.0
// Access to the kernel's log itself.
#pragma once

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "probes/probe.h"

namespace hostmedic {

// /dev/kmsg for reading without waiting. unsupported, with the reason, where it is not there or not for us; then the
// journal's kernel lines are the way (kernel_log.h), and only then, or each line would be told twice.
Result<Fd> open_kmsg(const Roots& roots);

}  // namespace hostmedic
