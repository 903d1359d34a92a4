// SPDX-License-Identifier: Apache-2.0
// Drives the reader of /dev/kmsg records and the patterns of the kernel's log. What must hold: no crash, no read
// outside the record, and parts that lie inside it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/kernel/patterns.h"
#include "probes/parse/kmsg.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}
bool inside(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view record(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_kmsg(record);
  if (parsed) check(parsed->level <= 7 && inside(parsed->text, record));
  for (const std::string_view text : {parsed ? parsed->text : record, record}) {
    KernelMatch match;
    if (!match_kernel_message(text, match)) continue;
    check(match.pattern < kKernelPatternCount);
    for (const std::string_view part : {match.device, match.process, match.pid, match.port}) check(inside(part, text));
    check(inside(whole_disk(match.device), text));
  }
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  std::vector<std::string> seeds;
  for (const char* text :
       {"Out of memory: Killed process 1234 (a (b)) total-vm:1kB", "INFO: task k/u8:2:4711 blocked for more than 122 s",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [node:31337]", "I/O error, dev nvme0n1p2, sector 2048",
        "EXT4-fs error (device sda1): f:1455: inode #2: comm ls: x", "XFS (dm-0): Corruption detected",
        "traps: app[56] trap invalid opcode ip:55", "a[b[12]: segfault at 8 ip 1", "e1000e: eth0 NIC Link is Down",
        "bond0: (slave e1): link status definitely down for interface e1, disabling",
        "TCP: Possible SYN flooding on port [::]:443. Sending", "usb 1-1.2: reset USB device number 4",
        "nvme nvme0: I/O 123 timeout, reset", "ata3: hard resetting link", "md/raid1:md0: Disk failure on sdb1"}) {
    seeds.push_back(text);
    seeds.push_back("3,1,2,-;" + seeds.back() + "\n DEVICE=b8:0\n");
  }
  return seeds;
}
