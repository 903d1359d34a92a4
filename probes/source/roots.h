// SPDX-License-Identifier: Apache-2.0
// Where the host's trees enter: the only place that knows their paths. Any thread.
#pragma once

#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "probes/probe.h"

namespace hostmedic {

// Opens the trees below prefix; "" or "/" is the host itself. The process tree must be there, the others may be
// missing: their descriptor is then empty and every open below it fails.
Result<Roots> open_roots(const std::string& prefix);

// The mounts as the host sees them. A sandboxed process has a mount namespace of its own, in which most of the host
// looks read-only and some of it is hidden, so the view of process 1 is taken where the kernel lets us, else our own.
struct MountView {
  std::string mountinfo;  // below Roots::proc
  std::string prefix;     // put before a mount point to reach it; no slash at its end
};
MountView mount_view(const Roots& roots);

}  // namespace hostmedic
