// SPDX-License-Identifier: Apache-2.0
// Where a host keeps its control groups, which files of a group say what it uses, and which groups there are. Both
// versions of control groups and their mixture: what is there is found by looking, never by a version. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

// What a group can tell. Seconds, bytes, ratios of a limit, or counts.
enum class GroupValue : std::uint8_t {
  cpu_time,
  throttled_time,
  throttled_periods,
  memory,
  memory_utilization,
  swap,
  memory_high,  // events: how often the group reached its memory.high, ...
  memory_max,
  memory_oom,
  memory_oom_kill,
  cpu_some,  // time stalled for want of CPU, ...
  cpu_full,
  memory_some,
  memory_full,
  io_some,
  io_full,
  bytes_read,
  bytes_written,
  reads,
  writes,
  tasks,
  tasks_utilization,
};
inline constexpr std::size_t kGroupValues = 22;
using GroupValues = std::array<std::optional<double>, kGroupValues>;

// One way to learn one or more values. parse puts what it finds at their places.
struct GroupFile {
  std::string tree;  // below the file system root of sys: "fs/cgroup/memory"
  std::string file;  // "memory.usage_in_bytes"
  Status (*parse)(std::string_view text, GroupValues& values) = nullptr;
  std::span<const GroupValue> gives;
  std::string limit = {};   // the file with the limit of the first of them; the second is then the utilization
  bool group_only = false;  // leaves out groups below, so it counts only where there are none
};

// The files are grouped by what they give: of each row the first that a group has is taken.
struct CgroupLayout {
  std::string units_tree;  // the tree in which systemd, or the container engine, keeps all groups
  std::vector<GroupFile> cpu;
  std::vector<std::vector<GroupFile>> details;
};

// unsupported: no tree of groups is mounted.
Result<CgroupLayout> find_cgroup_layout(int sys);
// Whether systemd keeps the groups of its units in the tree.
bool has_slices(int sys, const CgroupLayout& layout);

struct GroupRow {
  std::string name;         // the unit: "nginx.service"; the container: its id
  std::string path;         // below the tree: "system.slice/nginx.service"
  std::string engine = {};  // of a container, as its group says it: "docker"; may be empty
};
inline constexpr std::size_t kMostServices = 512, kMostContainers = 256;

// All services below the slices of the tree, except those of user sessions and of our own orders, sorted by name. At
// most kMostServices + 1 are returned, so that the caller sees that there are too many.
Result<std::vector<GroupRow>> list_services(int sys, const std::string& units_tree);
// The same for containers, wherever an engine put them: at most kMostContainers + 1, sorted by id.
Result<std::vector<GroupRow>> list_containers(int sys, const std::string& units_tree);

}  // namespace hostmedic
