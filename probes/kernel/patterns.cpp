// SPDX-License-Identifier: Apache-2.0
#include "probes/kernel/patterns.h"

#include <algorithm>
#include <iterator>

namespace hostmedic {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kDigits) == std::string_view::npos;
}
std::string_view before_last(std::string_view text, char mark) {
  const std::size_t at = text.rfind(mark);
  return at == std::string_view::npos ? std::string_view() : text.substr(0, at);
}
// What follows the mark, up to one of the ends (or the end of the text).
std::string_view after(std::string_view text, std::string_view mark, std::string_view ends) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + mark.size());
  return rest.substr(0, rest.find_first_of(ends));
}
std::string_view before(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos ? std::string_view() : text.substr(0, at);
}
std::string_view last_word(std::string_view text) {
  const std::size_t end = text.find_last_not_of(' ');
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const std::size_t blank = text.rfind(' ');
  return blank == std::string_view::npos ? text : text.substr(blank + 1);
}
// "comm:123"; the name may hold colons itself.
void name_colon_pid(std::string_view text, KernelMatch& match) {
  const std::string_view name = before_last(text, ':');
  const std::string_view pid = text.substr(name.empty() ? 0 : name.size() + 1);
  if (name.empty() || !all_digits(pid)) return;
  match.process = name;
  match.pid = pid;
}

// "Out of memory: Killed process 1234 (name) total-vm:..."; the name may hold parentheses itself.
void killed(std::string_view text, KernelMatch& match) {
  match.pid = after(text, " process ", " ,");
  if (!all_digits(match.pid)) match.pid = {};
  const std::size_t open = text.find(" (");
  if (open == std::string_view::npos) return;
  const std::string_view rest = text.substr(open + 2);
  for (const std::string_view end : {") total-vm", ") score ", ")"}) {
    if (!contains(rest, end)) continue;
    match.process = before(rest, end);
    return;
  }
}
void hung(std::string_view text, KernelMatch& match) {
  name_colon_pid(before(after(text, "task ", ""), " blocked for"), match);
}
// "... stuck for 22s! [comm:123]"
void in_last_brackets(std::string_view text, KernelMatch& match) {
  const std::size_t open = text.rfind('[');
  if (open != std::string_view::npos) name_colon_pid(before(text.substr(open + 1), "]"), match);
}
// "comm[123]: segfault at", "traps: comm[123] trap invalid opcode"
void name_brackets(std::string_view text, KernelMatch& match) {
  constexpr std::string_view kTraps = "traps: ";
  if (text.starts_with(kTraps)) text.remove_prefix(kTraps.size());
  for (std::size_t open = text.find('['); open != std::string_view::npos; open = text.find('[', open + 1)) {
    const std::string_view pid = before(text.substr(open + 1), "]");
    if (open == 0 || !all_digits(pid)) continue;
    match.process = text.substr(0, open);
    match.pid = pid;
    return;
  }
}
// "comm: page allocation failure"
void name_first(std::string_view text, KernelMatch& match) { match.process = before(text, ": page allocation"); }
void dev(std::string_view text, KernelMatch& match) {
  match.device = after(text, ", dev ", " ,");
  if (match.device.empty()) match.device = after(text, " on dev ", " ,");
}
// "EXT4-fs error (device sda1): function:12: comm name: ...", "XFS (dm-0): ...", "Aborting journal on device sda1-8."
void filesystem(std::string_view text, KernelMatch& match) {
  match.device = after(text, "(device ", " ):");
  if (match.device.empty()) match.device = before(after(text, "on device ", ""), "-8.");
  if (match.device.empty() && contains(text, "-fs (")) match.device = after(text, "-fs (", ")");
  if (match.device.empty() && text.starts_with("XFS (")) match.device = after(text, "XFS (", ")");
  match.process = after(text, ": comm ", ":");
}
// "e1000e: eth0 NIC Link is Down", "tg3 0000:02:00.0 eth0: Link is down"
void link(std::string_view text, KernelMatch& match) {
  std::string_view word;
  for (const std::string_view mark : {" NIC Link", " Link is ", " Link ", " link is ", " link "}) {
    if (!contains(text, mark)) continue;
    word = last_word(before(text, mark));
    break;
  }
  if (word.ends_with(':')) word.remove_suffix(1);
  match.device = word;
}
void bonded(std::string_view text, KernelMatch& match) { match.device = after(text, "for interface ", " ,"); }
// "md/raid1:md0: Disk failure on sdb1, ...": the array.
void array(std::string_view text, KernelMatch& match) { match.device = after(text.substr(text.find('/')), ":", ":"); }
void second_word(std::string_view text, KernelMatch& match) { match.device = after(text, " ", " :"); }
void first_word(std::string_view text, KernelMatch& match) { match.device = text.substr(0, text.find_first_of(" :.")); }
// "... on port 80. Sending", "... on port 0.0.0.0:80. Sending", "... on port [::]:80."
void port(std::string_view text, KernelMatch& match) {
  std::string_view where = after(text, "on port ", " ");
  if (where.ends_with('.')) where.remove_suffix(1);
  where = where.substr(where.rfind(':') == std::string_view::npos ? 0 : where.rfind(':') + 1);
  if (all_digits(where)) match.port = where;
}
void nothing(std::string_view, KernelMatch&) {}

// Their meaning: the kernel reports ...
constexpr std::string_view kPatterns[] = {
    "oom_kill",              // a process killed for want of memory
    "oom_no_victim",         // that memory ran out and nothing could be killed
    "hung_task",             // a task that waits for minutes without being woken
    "soft_lockup",           // a CPU that was kept busy in the kernel for too long
    "hard_lockup",           // a CPU that does not even take interrupts
    "rcu_stall",             // a CPU or task that holds up the kernel's housekeeping (RCU)
    "io_error",              // an I/O error
    "medium_error",          // that the medium of a disk cannot be read or written
    "filesystem_error",      // damage in a filesystem
    "remount_read_only",     // that a filesystem was made read-only after an error
    "segfault",              // a program that crashed on a memory access
    "illegal_instruction",   // a program that crashed on a trap of the CPU
    "link_down",             // that a network link went down
    "link_up",               // that a network link came up
    "machine_check",         // a hardware error
    "memory_error",          // an error of a memory module
    "thermal_throttle",      // a CPU slowed down because it is too hot
    "thermal_critical",      // a temperature at which the machine shuts down
    "conntrack_full",        // packets dropped because the connection table is full
    "syn_flood",             // more connection requests than a listener can take
    "sockets_memory",        // that TCP has used up its memory
    "orphaned_sockets",      // too many sockets that no process owns any more
    "neighbour_table_full",  // that the table of network neighbours is full
    "usb_reset",             // that a USB device was reset
    "usb_disconnect",        // that a USB device went away
    "nvme_reset",            // an NVMe controller that did not answer
    "ata_reset",             // that the link to a disk was reset
    "disk_offline",          // I/O to a disk that is offline
    "array_degraded",        // a disk that failed in an array
    "allocation_failure",    // memory that the kernel itself could not get
    "pids_limit",            // that a control group may have no more processes
    "file_limit",            // that no more files can be opened
    "nfs_not_responding",    // an NFS server that does not respond
    "kernel_bug",            // a fault of the kernel itself
    "kernel_warning",        // that it found itself in a state that should not be
    "kernel_panic",          // that it gives up
    "clocksource_unstable",  // a clock of the CPU that is not to be trusted
};
static_assert(std::size(kPatterns) == kKernelPatternCount);

consteval std::size_t index_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kPatterns); ++i)
    if (kPatterns[i] == name) return i;
  throw "no such pattern";
}

// A line matches when it begins with `begin` and holds both others; the first row that does decides.
struct Row {
  std::size_t pattern;
  std::string_view begin, holds, too;
  void (*extract)(std::string_view text, KernelMatch& match);
};
constexpr Row kRows[] = {
    {index_of("oom_kill"), "Out of memory: Kill", " process ", "", killed},
    {index_of("oom_kill"), "Memory cgroup out of memory: Kill", " process ", "", killed},
    {index_of("oom_no_victim"), "", "Out of memory and no killable processes", "", nothing},
    {index_of("oom_no_victim"), "Memory cgroup out of memory and no killable", "", "", nothing},
    {index_of("hung_task"), "INFO: task ", " blocked for more than ", "", hung},
    {index_of("soft_lockup"), "", "BUG: soft lockup - CPU#", "", in_last_brackets},
    {index_of("hard_lockup"), "", "detected hard LOCKUP", "", nothing},
    {index_of("rcu_stall"), "", "rcu", "detected stall", nothing},
    {index_of("rcu_stall"), "", "rcu", "detected expedited stall", nothing},
    {index_of("rcu_stall"), "", "rcu", "self-detected stall", nothing},
    {index_of("medium_error"), "", "critical medium error, dev ", "", dev},
    {index_of("io_error"), "", "I/O error, dev ", "", dev},
    {index_of("io_error"), "", "critical target error, dev ", "", dev},
    {index_of("io_error"), "Buffer I/O error on dev ", "", "", dev},
    {index_of("io_error"), "Buffer I/O error on device ", "", "",
     [](std::string_view text, KernelMatch& match) { match.device = after(text, "on device ", " ,"); }},
    {index_of("remount_read_only"), "", "Remounting filesystem read-only", "", filesystem},
    {index_of("remount_read_only"), "BTRFS", "forced readonly", "", filesystem},
    {index_of("remount_read_only"), "XFS (", "hutting down filesystem", "", filesystem},
    {index_of("remount_read_only"), "XFS (", "Filesystem has been shut down", "", filesystem},
    {index_of("filesystem_error"), "EXT4-fs error (device ", "", "", filesystem},
    {index_of("filesystem_error"), "EXT4-fs (", "I/O error", "", filesystem},
    {index_of("filesystem_error"), "EXT3-fs error (device ", "", "", filesystem},
    {index_of("filesystem_error"), "EXT2-fs error (device ", "", "", filesystem},
    {index_of("filesystem_error"), "Aborting journal on device ", "", "", filesystem},
    {index_of("filesystem_error"), "XFS (", "orruption", "", filesystem},
    {index_of("filesystem_error"), "XFS (", "I/O error", "", filesystem},
    {index_of("filesystem_error"), "BTRFS error (device ", "", "", filesystem},
    {index_of("filesystem_error"), "BTRFS critical (device ", "", "", filesystem},
    {index_of("filesystem_error"), "F2FS-fs (", "nconsistent", "", filesystem},
    {index_of("filesystem_error"), "FAT-fs (", "error", "", filesystem},
    {index_of("segfault"), "", "]: segfault at ", " ip ", name_brackets},
    {index_of("segfault"), "traps: ", " general protection", " ip:", name_brackets},
    {index_of("illegal_instruction"), "traps: ", " trap ", " ip:", name_brackets},
    {index_of("thermal_throttle"), "", "temperature above threshold, cpu clock throttled", "", nothing},
    {index_of("thermal_throttle"), "", "temperature is above threshold, cpu clock is throttled", "", nothing},
    {index_of("thermal_critical"), "thermal ", "critical temperature reached", "", second_word},
    {index_of("memory_error"), "EDAC MC", " CE ", "", nothing},
    {index_of("memory_error"), "EDAC MC", " UE ", "", nothing},
    {index_of("memory_error"), "Memory failure: 0x", "", "", nothing},
    {index_of("machine_check"), "", "[Hardware Error]: ", "", nothing},
    {index_of("conntrack_full"), "", "conntrack: table full, dropping packet", "", nothing},
    {index_of("syn_flood"), "", "Possible SYN flooding on port ", "", port},
    {index_of("sockets_memory"), "", "TCP: out of memory -- consider tuning tcp_mem", "", nothing},
    {index_of("orphaned_sockets"), "", "TCP: too many orphaned sockets", "", nothing},
    {index_of("neighbour_table_full"), "", "neighbor table overflow!", "", nothing},
    {index_of("usb_reset"), "usb ", ": reset ", " USB device number ", second_word},
    {index_of("usb_disconnect"), "usb ", ": USB disconnect, device number ", "", second_word},
    {index_of("nvme_reset"), "nvme ", "timeout, ", "", second_word},
    {index_of("nvme_reset"), "nvme ", "controller is down; will reset", "", second_word},
    {index_of("nvme_reset"), "nvme ", "Removing after probe failure", "", second_word},
    {index_of("ata_reset"), "ata", ": hard resetting link", "", first_word},
    {index_of("disk_offline"), "", "rejecting I/O to offline device", "", nothing},
    {index_of("array_degraded"), "md/raid", ": Disk failure on ", "", array},
    {index_of("allocation_failure"), "", ": page allocation failure: order:", "", name_first},
    {index_of("pids_limit"), "cgroup: fork rejected by pids controller", "", "", nothing},
    {index_of("file_limit"), "VFS: file-max limit ", " reached", "", nothing},
    {index_of("nfs_not_responding"), "nfs: server ", " not responding", "", nothing},
    {index_of("kernel_panic"), "Kernel panic - not syncing", "", "", nothing},
    {index_of("kernel_bug"), "BUG: ", "", "", nothing},
    {index_of("kernel_bug"), "kernel BUG at ", "", "", nothing},
    {index_of("kernel_bug"), "Oops: ", "", "", nothing},
    {index_of("kernel_bug"), "Internal error: Oops", "", "", nothing},
    {index_of("kernel_bug"), "Unable to handle kernel ", "", "", nothing},
    {index_of("kernel_warning"), "WARNING: CPU: ", " PID: ", " at ", nothing},
    {index_of("clocksource_unstable"), "clocksource: timekeeping watchdog on CPU", "", "", nothing},
    {index_of("clocksource_unstable"), "", "Marking clocksource ", "unstable", nothing},
    {index_of("link_down"), "", "Link is Down", "", link},
    {index_of("link_down"), "", "Link is down", "", link},
    {index_of("link_down"), "", ": Link down", "", link},
    {index_of("link_down"), "", ": link down", "", link},
    {index_of("link_down"), "", "link status definitely down", "", bonded},
    {index_of("link_up"), "", "link status definitely up", "", bonded},
    {index_of("link_up"), "", ": link up", "", link},
    {index_of("link_up"), "", "Link is Up", "", link},
    {index_of("link_up"), "", "Link is up", "", link},
    {index_of("link_up"), "", ": Link up", "", link},
};

}  // namespace

std::string_view kernel_pattern(std::size_t index) { return kPatterns[index]; }

bool match_kernel_message(std::string_view text, KernelMatch& ret_match) {
  for (const Row& row : kRows) {
    if (!text.starts_with(row.begin) || !contains(text, row.holds) || !contains(text, row.too)) continue;
    KernelMatch match;
    match.pattern = row.pattern;
    row.extract(text, match);
    ret_match = match;
    return true;
  }
  return false;
}

std::string_view whole_disk(std::string_view device) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (device.empty() || !is_digit(device.back())) return device;
  std::string_view stem = device.substr(0, device.find_last_not_of(kDigits) + 1);
  for (const std::string_view family : {"sd", "hd", "vd", "xvd"}) {
    if (stem.size() > family.size() && stem.starts_with(family) &&
        std::all_of(stem.begin() + family.size(), stem.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
      return stem;
  }
  if (stem.size() > 1 && stem.back() == 'p' && is_digit(stem[stem.size() - 2]) &&
      (stem.starts_with("nvme") || stem.starts_with("mmcblk") || stem.starts_with("nbd") || stem.starts_with("loop")))
    return stem.substr(0, stem.size() - 1);
  return device;
}

}  // namespace hostmedic
