// SPDX-License-Identifier: Apache-2.0
// Drives every parser of kernel text. Input: byte 0 selects the parser (modulo their number), the rest is the file.
// What must hold: no crash, no read outside the text, bounded rows, and names that lie inside the text.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "probes/parse/cgroup.h"
#include "probes/parse/container_cgroup.h"
#include "probes/parse/diskstats.h"
#include "probes/parse/loadavg.h"
#include "probes/parse/meminfo.h"
#include "probes/parse/mountinfo.h"
#include "probes/parse/net_dev.h"
#include "probes/parse/pressure.h"
#include "probes/parse/proc_stat.h"
#include "probes/parse/vmstat.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}
bool inside(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void disks(std::string_view text) {
  std::vector<DiskStats> rows;
  (void)parse_diskstats(text, rows);
  check(rows.size() <= kMostDiskRows);
  for (const DiskStats& row : rows) check(inside(row.name, text));
}
void net(std::string_view text) {
  std::vector<NetDevice> rows;
  (void)parse_net_dev(text, rows);
  check(rows.size() <= kMostNetDevices);
  for (const NetDevice& row : rows) check(!row.name.empty() && inside(row.name, text));
}
void mounts(std::string_view text) {
  const auto rows = parse_mountinfo(text);
  if (!rows) return;
  check(rows->size() <= kMostMounts);
  for (const Mount& row : *rows) check(row.mount_point.starts_with('/') && !row.type.empty());
}

constexpr void (*kParsers[])(std::string_view) = {
    [](std::string_view text) { (void)parse_proc_stat(text); },
    [](std::string_view text) { (void)parse_meminfo(text); },
    [](std::string_view text) { (void)parse_pressure(text); },
    [](std::string_view text) {
      const auto load = parse_loadavg(text);
      if (load) check(load->one_minute >= 0 && load->five_minutes >= 0 && load->fifteen_minutes >= 0);
    },
    disks,
    net,
    mounts,
    [](std::string_view text) { (void)parse_vmstat(text); },
    [](std::string_view text) { (void)parse_cgroup_cpu_stat(text); },
    [](std::string_view text) { (void)parse_cgroup_number(text); },
    [](std::string_view text) { (void)parse_cgroup_tasks(text); },
    [](std::string_view text) {
      const auto found = parse_container_cgroup(text);
      check(found.id.empty() || (found.id.size() == 64 && inside(found.id, text)));
      check(found.engine.empty() || (!found.id.empty() && inside(found.engine, text)));
    },
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kParsers[data[0] % std::size(kParsers)](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
