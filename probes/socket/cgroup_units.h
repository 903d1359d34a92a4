// SPDX-License-Identifier: Apache-2.0
// Whose a socket is: the systemd unit of each control group of version 2, by the kernel's number of the group. Any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace hostmedic {

// A unit has as many numbers as groups below it. Empty without version 2. Walks at most kMostCgroups directories.
inline constexpr std::size_t kMostCgroups = 8192;
std::map<std::uint64_t, std::string> cgroup_units(int sys);

}  // namespace hostmedic
