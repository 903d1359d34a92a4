// SPDX-License-Identifier: Apache-2.0
// Where a host keeps the control groups of systemd's services, and which files say what they use. Both versions of
// control groups and their mixture. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

// How to read a number out of a file of a control group.
enum class CgroupForm : std::uint8_t {
  cpu_stat_us,  // version 2 cpu.stat
  number_ns,    // version 1 cpuacct.usage
  number,       // bytes or threads
  lines,        // a list of thread ids to count
};
struct CgroupFile {
  std::string tree;  // below the file system root of sys, "fs/cgroup/memory"
  std::string file;  // "memory.usage_in_bytes"
  CgroupForm form{};
};

// For each quantity the files that may have it, best first.
struct CgroupLayout {
  std::string units_tree;  // the tree in which systemd keeps a group for every running unit
  std::vector<CgroupFile> cpu, memory, tasks;
};

// unsupported: there is no tree with systemd's slices.
Result<CgroupLayout> find_cgroup_layout(int sys);

struct ServiceGroup {
  std::string name;  // the unit: "nginx.service"
  std::string path;  // below the tree: "system.slice/nginx.service"
};
inline constexpr std::size_t kMostServices = 1000;

// All services below the slices of the tree, except those of user sessions, sorted by name. At most kMostServices + 1
// are returned, so that the caller sees that there are too many.
Result<std::vector<ServiceGroup>> list_services(int sys, const std::string& units_tree);

}  // namespace hostmedic
