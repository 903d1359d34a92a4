// SPDX-License-Identifier: Apache-2.0
// Drives every parser of kernel text. Input: byte 0 selects the parser (modulo their number), the rest is the file.
// What must hold: no crash, no read outside the text, bounded rows, and names that lie inside the text.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/parse/cgroup.h"
#include "probes/parse/container_cgroup.h"
#include "probes/parse/diskstats.h"
#include "probes/parse/interrupts.h"
#include "probes/parse/keyed.h"
#include "probes/parse/loadavg.h"
#include "probes/parse/mountinfo.h"
#include "probes/parse/net_dev.h"
#include "probes/parse/numbers.h"
#include "probes/parse/pressure.h"
#include "probes/parse/proc_stat.h"
#include "probes/parse/process_files.h"
#include "probes/parse/route.h"
#include "probes/parse/schedstat.h"
#include "probes/parse/unit_name.h"

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

// The text is cut at its first NUL into two readings: a parser that was taught by the first must say of the second what
// one that was not says.
template <class Parser, class... Args>
void keyed(std::string_view text, KeyedText::Keys keys, Args... args) {
  const std::size_t cut = text.find('\0');
  const std::string_view first = text.substr(0, cut), second = cut == text.npos ? first : text.substr(cut + 1);
  std::vector<std::optional<std::uint64_t>> values(keys.size(), 1), fresh_values(keys.size(), 2);
  Parser taught(keys, args...), fresh(keys, args...);
  (void)taught.parse(first, values);
  const bool good = static_cast<bool>(taught.parse(second, values));
  check(good == static_cast<bool>(fresh.parse(second, fresh_values)) && values == fresh_values);
  for (const auto& value : values) check(good || !value);
}

void keyed_group(std::string_view text) {
  constexpr std::string_view kKeys[] = {"usage_usec", "nr_throttled"};
  std::optional<std::uint64_t> values[2];
  const bool good = static_cast<bool>(parse_cgroup_keyed(text, kKeys, values));
  check(!good || values[0] || values[1]);
}

constexpr void (*kParsers[])(std::string_view) = {
    [](std::string_view text) {
      ProcStat stat;
      (void)parse_proc_stat(text, stat);
      check(stat.cpus.size() <= kMostCpus);
    },
    [](std::string_view text) { keyed<KeyedLines>(text, {"MemTotal:", "pgfault", "Dirty:"}); },
    [](std::string_view text) { (void)parse_pressure(text); },
    [](std::string_view text) {
      const auto load = parse_loadavg(text);
      if (load) check(load->one_minute >= 0 && load->five_minutes >= 0 && load->fifteen_minutes >= 0);
    },
    disks,
    net,
    mounts,
    [](std::string_view text) { keyed<KeyedColumns>(text, {"Tcp:RetransSegs", "Ip:A", "IcmpMsg:InType3"}); },
    [](std::string_view text) { keyed<KeyedPairs>(text, {"TCP:mem", "UDP:mem", "sockets:used"}); },
    [](std::string_view text) { keyed<KeyedHexTable>(text, {"entries", "drop", "c"}); },
    [](std::string_view text) { keyed<KeyedHexTable>(text, {"a", "c", "e"}, std::string_view("a b c d e f")); },
    [](std::string_view text) { (void)parse_schedstat(text); },
    keyed_group,
    [](std::string_view text) { (void)parse_cgroup_limit(text); },
    [](std::string_view text) { (void)parse_cgroup_io_stat(text); },
    [](std::string_view text) { (void)parse_cgroup_blkio(text); },
    [](std::string_view text) { check(!is_followed_service(text) || is_unit_name(text)); },
    [](std::string_view text) {
      std::array<std::uint64_t, 3> numbers{1, 2, 3};
      const bool good = static_cast<bool>(parse_numbers(text, numbers));
      check(good || numbers == std::array<std::uint64_t, 3>{1, 2, 3});
    },
    [](std::string_view text) { (void)parse_key_users(text); },
    [](std::string_view text) { (void)parse_cgroup_number(text); },
    [](std::string_view text) { (void)parse_cgroup_tasks(text); },
    [](std::string_view text) {
      const auto stat = parse_process_stat(text);
      if (stat) check(inside(stat->name, text));
    },
    [](std::string_view text) { (void)parse_process_status(text); },
    [](std::string_view text) { (void)parse_process_io(text); },
    [](std::string_view text) { (void)parse_process_run_delay(text); },
    [](std::string_view text) {
      const auto found = parse_process_container(text);
      check(found.id.empty() || (found.id.size() == 64 && inside(found.id, text)));
      check(found.engine.empty() || (!found.id.empty() && inside(found.engine, text)));
    },
    [](std::string_view text) { (void)parse_interrupt_row(text, "MCE"); },
    [](std::string_view text) {
      for (const auto& gateways : {parse_gateways_v4(text), parse_gateways_v6(text)})
        check(!gateways || gateways->size() <= kMostGateways);
    },
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_view_literals;
  std::vector<std::string> seeds;
  for (const std::string_view text : {
           std::string_view("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 12 0 1\nctxt 9\nbtime 17\n"
                            "processes 4\nprocs_running 3\nprocs_blocked 1\nsoftirq 5 1 2 0 1 0 0 0 0 0 1\n"),
           "MemTotal: 7 kB\nDirty: 1 kB\npgfault 12\n\0MemTotal: 8 kB\nNew: 2\nDirty: 1 kB\n"sv,
           std::string_view("version 15\ncpu0 0 0 1 2 3 4 5 6 7\ndomain0 3 1\n"),
           std::string_view("593\t0\t2466177\n"),
           std::string_view("    0:     9 8/8 3/1000000 40/25000000\n"),
           std::string_view("some avg10=0.00 total=5\nfull avg10=0.00 total=3\n"),
           std::string_view("0.50 1.50 2.50 1/2 3\n"),
           std::string_view("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"),
           std::string_view("a|b|c\na|b|c\nlo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"),
           std::string_view("22 1 8:1 / /var\\040x rw,nosuid shared:1 - ext4 /dev/sda1 rw\n"),
           "Tcp: A RetransSegs\nTcp: 1 2\nIp: A\nIp: 3\n\0Ip: A\nIp: 4\nTcp: RetransSegs\nTcp: 2\n"sv,
           std::string_view("sockets: used 17\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 260\n"),
           std::string_view("entries drop b c\n1 a0 ff 10\n1 2 3 4\n"),
           std::string_view("           CPU0       CPU1\n MCE:         3          4   Machine check exceptions\n"),
           std::string_view("Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n"),
           std::string_view("0000000f 00000001 00000000 00000002 00000007 0\n"),
       }) {
    for (std::size_t parser = 0; parser < std::size(kParsers); ++parser)
      seeds.push_back(std::string(1, static_cast<char>(parser)).append(text));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kParsers[data[0] % std::size(kParsers)](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
