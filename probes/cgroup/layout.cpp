// SPDX-License-Identifier: Apache-2.0
#include "probes/cgroup/layout.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/base/file.h"
#include "probes/parse/cgroup.h"
#include "probes/parse/pressure.h"

namespace hostmedic {
namespace {

using enum GroupValue;
using Text = std::string_view;

constexpr double kUs = 1e-6, kNs = 1e-9;

std::optional<double>& at(GroupValues& values, GroupValue value) { return values[static_cast<std::size_t>(value)]; }

// Keyed values, each multiplied by its scale.
template <std::size_t N>
Status keyed(Text text, const std::string_view (&keys)[N], const GroupValue (&places)[N], const double (&scales)[N],
             GroupValues& values) {
  std::array<std::optional<std::uint64_t>, N> numbers;
  if (auto parsed = parse_cgroup_keyed(text, keys, numbers); !parsed) return parsed;
  for (std::size_t i = 0; i < N; ++i) {
    if (numbers[i]) at(values, places[i]) = static_cast<double>(*numbers[i]) * scales[i];
  }
  return ok();
}

constexpr GroupValue kCpu[] = {cpu_time, throttled_time, throttled_periods};
Status cpu_stat(Text text, GroupValues& values) {
  return keyed(text, {"usage_usec", "throttled_usec", "nr_throttled"}, {cpu_time, throttled_time, throttled_periods},
               {kUs, kUs, 1}, values);
}
constexpr GroupValue kThrottled[] = {throttled_time, throttled_periods};
Status throttling(Text text, GroupValues& values) {
  return keyed(text, {"throttled_time", "nr_throttled"}, {throttled_time, throttled_periods}, {kNs, 1}, values);
}
constexpr GroupValue kMemoryEvents[] = {memory_high, memory_max, memory_oom, memory_oom_kill};
Status memory_events(Text text, GroupValues& values) {
  return keyed(text, {"high", "max", "oom", "oom_kill"}, {memory_high, memory_max, memory_oom, memory_oom_kill},
               {1, 1, 1, 1}, values);
}
constexpr GroupValue kOomControl[] = {memory_oom_kill};
Status oom_control(Text text, GroupValues& values) { return keyed(text, {"oom_kill"}, {memory_oom_kill}, {1}, values); }

template <GroupValue Place, int Divisor = 1>
Status number(Text text, GroupValues& values) {
  auto value = parse_cgroup_number(text);
  if (!value) return std::move(value).error();
  at(values, Place) = static_cast<double>(*value) / Divisor;
  return ok();
}
Status threads(Text text, GroupValues& values) {
  auto count = parse_cgroup_tasks(text);
  if (!count) return std::move(count).error();
  at(values, tasks) = static_cast<double>(*count);
  return ok();
}
template <GroupValue Some, GroupValue Full>
Status pressure(Text text, GroupValues& values) {
  auto parsed = parse_pressure(text);
  if (!parsed) return std::move(parsed).error();
  at(values, Some) = static_cast<double>(parsed->some_us) * kUs;
  if (parsed->full_us) at(values, Full) = static_cast<double>(*parsed->full_us) * kUs;
  return ok();
}
constexpr GroupValue kIo[] = {bytes_read, bytes_written, reads, writes};
Status io_stat(Text text, GroupValues& values) {
  auto io = parse_cgroup_io_stat(text);
  if (!io) return std::move(io).error();
  at(values, bytes_read) = static_cast<double>(io->read);
  at(values, bytes_written) = static_cast<double>(io->written);
  at(values, reads) = static_cast<double>(io->reads);
  at(values, writes) = static_cast<double>(io->writes);
  return ok();
}
template <GroupValue Read, GroupValue Written>
Status blkio(Text text, GroupValues& values) {
  auto io = parse_cgroup_blkio(text);
  if (!io) return std::move(io).error();
  at(values, Read) = static_cast<double>(io->read);
  at(values, Written) = static_cast<double>(io->written);
  return ok();
}

constexpr GroupValue kCpuTime[] = {cpu_time}, kMemory[] = {memory, memory_utilization}, kSwap[] = {swap},
                     kMaxEvents[] = {memory_max}, kCpuStall[] = {cpu_some, cpu_full},
                     kMemoryStall[] = {memory_some, memory_full}, kIoStall[] = {io_some, io_full},
                     kIoBytes[] = {bytes_read, bytes_written}, kIoOperations[] = {reads, writes},
                     kTasks[] = {tasks, tasks_utilization}, kThreads[] = {tasks};

bool exists(int dir, const std::string& path) { return ::faccessat(dir, path.c_str(), F_OK, 0) == 0; }

}  // namespace

Result<CgroupLayout> find_cgroup_layout(int sys) {
  const std::string base = "fs/cgroup";
  const bool unified = exists(sys, base + "/cgroup.controllers");
  const std::string v2 = unified ? base : base + "/unified";
  CgroupLayout layout;
  for (const std::string& tree : {v2, base + "/systemd"}) {
    if (layout.units_tree.empty() && exists(sys, tree + "/system.slice")) layout.units_tree = tree;
  }
  // Without systemd the groups are where the engines of containers put them: in every tree.
  for (const std::string& tree : {v2, base + "/cpuacct", base + "/memory", base + "/pids"}) {
    if (layout.units_tree.empty() && exists(sys, tree + "/cgroup.procs")) layout.units_tree = tree;
  }
  if (layout.units_tree.empty())
    return make_error(ErrorCode::unsupported, "not here, because no control groups are mounted");

  layout.cpu = {{v2, "cpu.stat", cpu_stat, kCpu},
                {base + "/cpuacct", "cpuacct.usage", number<cpu_time, 1'000'000'000>, kCpuTime}};
  layout.details = {
      {{v2, "memory.current", number<memory>, kMemory, "memory.max"},
       {base + "/memory", "memory.usage_in_bytes", number<memory>, kMemory, "memory.limit_in_bytes"}},
      {{v2, "memory.swap.current", number<swap>, kSwap}},
      {{v2, "memory.events", memory_events, kMemoryEvents},
       {base + "/memory", "memory.oom_control", oom_control, kOomControl}},
      {{v2, "cpu.pressure", pressure<cpu_some, cpu_full>, kCpuStall}},
      {{v2, "memory.pressure", pressure<memory_some, memory_full>, kMemoryStall}},
      {{v2, "io.pressure", pressure<io_some, io_full>, kIoStall}},
      {{v2, "io.stat", io_stat, kIo},
       {base + "/blkio", "blkio.throttle.io_service_bytes_recursive", blkio<bytes_read, bytes_written>, kIoBytes},
       {base + "/blkio", "blkio.throttle.io_service_bytes", blkio<bytes_read, bytes_written>, kIoBytes}},
      // Without the pids controller the threads are counted, where the group has none below its own.
      {{v2, "pids.current", number<tasks>, kTasks, "pids.max"},
       {base + "/pids", "pids.current", number<tasks>, kTasks, "pids.max"},
       {v2, "cgroup.threads", threads, kThreads, "", true},
       {base + "/systemd", "tasks", threads, kThreads, "", true}},
  };
  if (!unified) {
    layout.details.push_back({{base + "/cpu", "cpu.stat", throttling, kThrottled}});
    layout.details.push_back({{base + "/memory", "memory.failcnt", number<memory_max>, kMaxEvents}});
    layout.details.push_back(
        {{base + "/blkio", "blkio.throttle.io_serviced_recursive", blkio<reads, writes>, kIoOperations},
         {base + "/blkio", "blkio.throttle.io_serviced", blkio<reads, writes>, kIoOperations}});
  }
  // A tree that is not mounted need not be asked for every group.
  const auto missing = [&](const GroupFile& file) { return !exists(sys, file.tree); };
  std::erase_if(layout.cpu, missing);
  for (auto& row : layout.details) std::erase_if(row, missing);
  std::erase_if(layout.details, [](const auto& row) { return row.empty(); });
  return layout;
}

bool has_slices(int sys, const CgroupLayout& layout) { return exists(sys, layout.units_tree + "/system.slice"); }

}  // namespace hostmedic
