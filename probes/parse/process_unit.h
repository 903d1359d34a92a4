// SPDX-License-Identifier: Apache-2.0
// The systemd unit of a process, from /proc/PID/cgroup. Pure; any thread.
#pragma once

#include <string_view>

namespace hostmedic {

// The outermost control group that is not a slice: "nginx.service", "session-3.scope", "user@1000.service" for a user's
// own services. Taken from version 2 or from systemd's own hierarchy of version 1. Empty if there is none or if its
// name is none that systemd gives. Lies inside text.
std::string_view parse_process_unit(std::string_view text);

}  // namespace hostmedic
