// SPDX-License-Identifier: Apache-2.0
// On which devices a filesystem lies: its own, the disk of a partition, the members of an array or a mapping, and so on
// down. From sysfs, which does not block. Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "probes/disk/select_mounts.h"

namespace hostmedic {

// sys, root: directory descriptors of /sys and /. Empty for what has no device: tmpfs, overlay, a network.
std::string device_of(const Filesystem& filesystem, int sys, int root);

// What lies directly below a device; empty for a disk. At most kMostBelow. Names as the kernel has them, "sda1".
inline constexpr std::size_t kMostBelow = 16;
std::vector<std::string> devices_below(const std::string& device, int sys);

}  // namespace hostmedic
