// SPDX-License-Identifier: Apache-2.0
#include "probes/kernel/patterns.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace hostmedic;

namespace {

struct Line {
  std::string text, pattern;
  std::string device = {}, process = {}, pid = {}, port = {};
};

// As kernels from 4.19 to 6.18 write them.
const std::vector<Line> kLines{
    {"Out of memory: Killed process 1234 (stress-ng (vm)) total-vm:1kB, anon-rss:2kB, oom_score_adj:0", "oom_kill", "",
     "stress-ng (vm)", "1234"},
    {"Out of memory: Kill process 77 (mysqld) score 901 or sacrifice child", "oom_kill", "", "mysqld", "77"},
    {"Memory cgroup out of memory: Killed process 9 (java) total-vm:1kB", "oom_kill", "", "java", "9"},
    {"Kernel panic - not syncing: Fatal exception", "kernel_panic"},
    {"INFO: task kworker/u8:2:4711 blocked for more than 122 seconds.", "hung_task", "", "kworker/u8:2", "4711"},
    {"watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [node:31337]", "soft_lockup", "", "node", "31337"},
    {"NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", "hard_lockup"},
    {"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", "rcu_stall"},
    {"rcu: INFO: rcu_sched self-detected stall on CPU", "rcu_stall"},
    {"INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-... } 21 jiffies", "rcu_stall"},
    {"I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0", "io_error", "sda"},
    {"blk_update_request: I/O error, dev nvme0n1, sector 0 op 0x1:(WRITE)", "io_error", "nvme0n1"},
    {"blk_update_request: critical medium error, dev sdb, sector 7", "medium_error", "sdb"},
    {"Buffer I/O error on dev dm-3, logical block 12, lost async page write", "io_error", "dm-3"},
    {"EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0",
     "filesystem_error", "sda1", "ls"},
    {"EXT4-fs (sda1): Remounting filesystem read-only", "remount_read_only", "sda1"},
    {"Aborting journal on device sda1-8.", "filesystem_error", "sda1"},
    {"XFS (dm-0): Corruption detected. Unmount and run xfs_repair", "filesystem_error", "dm-0"},
    {"XFS (dm-0): metadata I/O error in \"xfs_trans_read_buf_map\" at daddr 0x2 len 1 error 5", "filesystem_error",
     "dm-0"},
    {"XFS (dm-0): Filesystem has been shut down due to log error (0x2).", "remount_read_only", "dm-0"},
    {"BTRFS error (device vdb): bdev /dev/vdb errs: wr 1, rd 0, flush 0, corrupt 0, gen 0", "filesystem_error", "vdb"},
    {"BTRFS info (device sdc1): forced readonly", "remount_read_only", "sdc1"},
    {"nginx[812]: segfault at 0 ip 00007f3c sp 00007ffe error 4 in libc.so.6[7f3c+1000]", "segfault", "", "nginx",
     "812"},
    {"a[b[12]: segfault at 8 ip 1 sp 2 error 4", "segfault", "", "a[b", "12"},
    {"traps: php-fpm[55] general protection fault ip:7f sp:7f error:0 in x.so", "segfault", "", "php-fpm", "55"},
    {"traps: app[56] trap invalid opcode ip:55 sp:7f error:0 in app", "illegal_instruction", "", "app", "56"},
    {"e1000e: eth0 NIC Link is Down", "link_down", "eth0"},
    {"e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx", "link_up", "eno1"},
    {"tg3 0000:02:00.0 eth1: Link is down", "link_down", "eth1"},
    {"mlx5_core 0000:5e:00.0 ens1f0: Link up", "link_up", "ens1f0"},
    {"r8169 0000:02:00.0 eth0: link down", "link_down", "eth0"},
    {"bond0: (slave eth1): link status definitely down for interface eth1, disabling it", "link_down", "eth1"},
    {"mce: [Hardware Error]: Machine check events logged", "machine_check"},
    {"EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#0_DIMM#0", "memory_error"},
    {"mce: CPU2: Core temperature above threshold, cpu clock throttled (total events = 19)", "thermal_throttle"},
    {"CPU0: Package temperature is above threshold, cpu clock is throttled (total events = 1)", "thermal_throttle"},
    {"thermal thermal_zone0: acpitz: critical temperature reached", "thermal_critical", "thermal_zone0"},
    {"nf_conntrack: nf_conntrack: table full, dropping packet", "conntrack_full"},
    {"TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:8080. Sending cookies.", "syn_flood", "", "", "",
     "8080"},
    {"TCP: request_sock_TCPv6: Possible SYN flooding on port [::]:443. Sending cookies.", "syn_flood", "", "", "",
     "443"},
    {"TCP: request_sock_TCP: Possible SYN flooding on port 80. Dropping request.  Check SNMP counters.", "syn_flood",
     "", "", "", "80"},
    {"TCP: out of memory -- consider tuning tcp_mem", "sockets_memory"},
    {"TCP: too many orphaned sockets", "orphaned_sockets"},
    {"neighbour: arp_cache: neighbor table overflow!", "neighbour_table_full"},
    {"usb 1-1.2: reset high-speed USB device number 4 using xhci_hcd", "usb_reset", "1-1.2"},
    {"usb 1-1: USB disconnect, device number 4", "usb_disconnect", "1-1"},
    {"nvme nvme0: I/O 123 QID 4 timeout, reset controller", "nvme_reset", "nvme0"},
    {"nvme nvme1: controller is down; will reset: CSTS=0xffffffff", "nvme_reset", "nvme1"},
    {"ata3: hard resetting link", "ata_reset", "ata3"},
    {"sd 2:0:0:0: rejecting I/O to offline device", "disk_offline"},
    {"md/raid1:md0: Disk failure on sdb1, disabling device.", "array_degraded", "md0"},
    {"kworker/0:1: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL)", "allocation_failure", "",
     "kworker/0:1"},
    {"cgroup: fork rejected by pids controller in /system.slice/app.service", "pids_limit"},
    {"VFS: file-max limit 1000 reached", "file_limit"},
    {"nfs: server 10.0.0.7 not responding, still trying", "nfs_not_responding"},
    {"BUG: kernel NULL pointer dereference, address: 0000000000000000", "kernel_bug"},
    {"WARNING: CPU: 0 PID: 12 at net/core/dev.c:1 netdev_x+0x1/0x2", "kernel_warning"},
    {"clocksource: timekeeping watchdog on CPU0: Marking clocksource 'tsc' as unstable", "clocksource_unstable"},
};

}  // namespace

TEST_CASE("kernel patterns: what the kernel writes, and what the line names") {
  for (const Line& line : kLines) {
    CAPTURE(line.text);
    KernelMatch match;
    REQUIRE(match_kernel_message(line.text, match));
    CHECK(kernel_pattern(match.pattern) == line.pattern);
    CHECK(match.device == line.device);
    CHECK(match.process == line.process);
    CHECK(match.pid == line.pid);
    CHECK(match.port == line.port);
  }
}

TEST_CASE("kernel patterns: ordinary lines say nothing") {
  for (const char* text : {"", " ", "IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready",
                           "ata2: SATA link down (SStatus 0 SControl 300)", "EXT4-fs (sda1): mounted filesystem",
                           "nvme nvme0: 2/0/0 default/read/poll queues", "usb 1-1: new high-speed USB device number 2",
                           "EDAC MC: Ver: 3.0.0", "mce: CPU0 supports 22 MCE banks", "md/raid1:md0: active with 2 out",
                           "rcu: Hierarchical RCU implementation.", "process 1 (x) was segfault at 3"}) {
    CAPTURE(text);
    KernelMatch match;
    CHECK(!match_kernel_message(text, match));
  }
}

TEST_CASE("kernel patterns: a program's name cannot pass for another message") {
  KernelMatch match;
  // 15 bytes, as much as a name may have.
  REQUIRE(match_kernel_message("Killed process [7]: segfault at 0 ip 0 sp 0 error 4", match));
  CHECK(kernel_pattern(match.pattern) == "segfault");
  CHECK(match.process == "Killed process ");
  REQUIRE(match_kernel_message("Out of memory: [7]: segfault at 0 ip 0 sp 0 error 4", match));
  CHECK(kernel_pattern(match.pattern) == "segfault");
}

TEST_CASE("kernel patterns: cut lines give what they have") {
  for (const Line& line : kLines) {
    for (std::size_t length = 0; length < line.text.size(); ++length) {
      const std::string cut = line.text.substr(0, length);
      KernelMatch match;
      if (!match_kernel_message(cut, match)) continue;
      for (const std::string_view part : {match.device, match.process, match.pid, match.port}) {
        if (part.empty()) continue;
        CHECK(part.data() >= cut.data());
        CHECK(part.data() + part.size() <= cut.data() + cut.size());
      }
    }
  }
}

TEST_CASE("kernel patterns: every pattern has a line above or is known to be rare") {
  std::set<std::string_view> seen{"oom_no_victim"};
  for (const Line& line : kLines) seen.insert(line.pattern);
  for (std::size_t i = 0; i < kKernelPatternCount; ++i) {
    CAPTURE(kernel_pattern(i));
    CHECK(seen.contains(kernel_pattern(i)));
  }
}

TEST_CASE("kernel patterns: the disk that a partition lies on") {
  CHECK(whole_disk("sda1") == "sda");
  CHECK(whole_disk("sdaa12") == "sdaa");
  CHECK(whole_disk("sda") == "sda");
  CHECK(whole_disk("xvda1") == "xvda");
  CHECK(whole_disk("nvme0n1p2") == "nvme0n1");
  CHECK(whole_disk("nvme0n1") == "nvme0n1");
  CHECK(whole_disk("mmcblk0p1") == "mmcblk0");
  CHECK(whole_disk("dm-0") == "dm-0");
  CHECK(whole_disk("md127") == "md127");
  CHECK(whole_disk("") == "");
  CHECK(whole_disk("7") == "7");
}
