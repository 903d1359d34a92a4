// SPDX-License-Identifier: Apache-2.0
// Containers and units as the kernel knows them: their control groups of version 2. For what no engine answers for, and
// to make sure that a process is the container's. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

// Where the hierarchy of version 2 is mounted: "/sys/fs/cgroup", or "unified" below it. unsupported: nowhere.
Result<std::string> group_root();

struct ContainerGroup {
  std::string path;  // below root, absolute
  std::string id;    // of the container, in full
};
// id: in full or its beginning. At most kMostGroups groups are looked at. Errors: not_found, conflict (two containers
// begin so), limit.
Result<ContainerGroup> find_container_group(const std::string& root, std::string_view id);
inline constexpr int kMostGroups = 20'000;

// The group of a systemd unit, by its name.
Result<std::string> find_unit_group(const std::string& root, std::string_view unit);

// Processes in the group and those below it, at most `most`.
std::vector<std::uint32_t> processes_of(const std::string& group, std::size_t most);

Result<bool> is_frozen(const std::string& group);
// Returns when the kernel says that it is so.
Status freeze_group(const std::string& group, bool frozen);

}  // namespace hostmedic
