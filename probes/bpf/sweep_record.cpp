// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/sweep_record.h"

#include <algorithm>
#include <cstring>

namespace hostmedic::bpf {
namespace {

using process::Counter;
using process::Gauge;

Duration nanoseconds(std::uint64_t ns) {
  return Duration(static_cast<Duration::rep>(std::min<std::uint64_t>(ns, INT64_MAX)));
}

}  // namespace

CpuSplit split_runtime(std::uint64_t runtime_ns, std::uint64_t user_ns, std::uint64_t system_ns) {
  if (system_ns == 0) return {runtime_ns, 0};
  if (user_ns == 0) return {0, runtime_ns};
  const double share = static_cast<double>(system_ns) / (static_cast<double>(user_ns) + static_cast<double>(system_ns));
  const auto system = std::min(runtime_ns, static_cast<std::uint64_t>(static_cast<double>(runtime_ns) * share));
  return {runtime_ns - system, system};
}

char state_letter(std::uint32_t bits) {
  constexpr std::uint32_t kNoLoad = 0x400;
  if ((bits & 0x10) != 0) return 'X';
  if ((bits & 0x20) != 0) return 'Z';
  if ((bits & 0x02) != 0) return (bits & kNoLoad) != 0 ? 'I' : 'D';
  if ((bits & 0x04) != 0) return 'T';
  if ((bits & 0x08) != 0) return 't';
  return (bits & 0x41) != 0 ? 'S' : 'R';
}

process::ProcessRecord decode_process(const hm_sweep_process& record, std::uint64_t page_bytes) {
  process::ProcessRecord out;
  out.pid = record.pid;
  out.parent_pid = record.parent_pid;
  out.uid = record.uid;
  out.state = state_letter(record.state);
  out.kernel = (record.flags & HM_SWEEP_KERNEL) != 0;
  out.started = nanoseconds(record.start_ns);
  out.group = record.cgroup_id;
  const CpuSplit cpu = split_runtime(record.runtime_ns, record.user_ns, record.system_ns);
  out[Counter::user_time] = cpu.user_ns;
  out[Counter::system_time] = cpu.system_ns;
  out[Counter::run_delay] = record.run_delay_ns;
  out[Counter::minor_faults] = record.minor_faults;
  out[Counter::major_faults] = record.major_faults;
  out[Counter::read_bytes] = record.read_bytes;
  out[Counter::written_bytes] = record.written_bytes;
  out[Counter::voluntary_switches] = record.voluntary_switches;
  out[Counter::involuntary_switches] = record.involuntary_switches;
  out[Gauge::threads] = record.threads;
  out[Gauge::rss_bytes] = record.rss_pages * page_bytes;
  out[Gauge::swap_bytes] = record.swap_pages * page_bytes;
  out[Gauge::descriptors] = record.fds;
  out[Gauge::zombies] = out.state == 'Z' ? 1 : 0;
  out.known = process::kAllKnown;
  const auto unknown = [&](std::uint32_t flag, std::uint32_t bits) {
    if ((record.flags & flag) != 0) out.known &= ~bits;
  };
  unknown(HM_SWEEP_RSS_UNKNOWN, bit(Gauge::rss_bytes) | bit(Gauge::swap_bytes));
  unknown(HM_SWEEP_IO_UNKNOWN, bit(Counter::read_bytes) | bit(Counter::written_bytes));
  unknown(HM_SWEEP_DELAY_UNKNOWN, bit(Counter::run_delay));
  // A kernel thread has neither memory nor descriptors of its own; a zombie has had them, and holds none.
  unknown(HM_SWEEP_KERNEL, bit(Gauge::rss_bytes) | bit(Gauge::swap_bytes) | bit(Gauge::descriptors));
  // A sum that lacks threads is no sum: it would change with the order in which the kernel lists them.
  unknown(HM_SWEEP_SUMS_PARTIAL, (1U << process::kCounters) - 1);
  out.blocked = nanoseconds(record.blocked_ns);
  std::memcpy(out.name.data(), record.comm, sizeof record.comm);
  return out;
}

Result<std::size_t> decode_sweep(std::span<const std::byte> bytes, std::uint64_t page_bytes,
                                 process::ProcessVisitor& visitor) {
  std::size_t at = 0;
  while (bytes.size() - at >= sizeof(hm_sweep_alive)) {
    hm_sweep_alive head;
    std::memcpy(&head, bytes.data() + at, sizeof head);
    if (head.kind == HM_SWEEP_ALIVE) {
      visitor.alive(head.pid);
      at += sizeof head;
    } else if (head.kind == HM_SWEEP_PROCESS) {
      hm_sweep_process record;
      if (bytes.size() - at < sizeof record) break;
      std::memcpy(&record, bytes.data() + at, sizeof record);
      visitor.process(decode_process(record, page_bytes));
      at += sizeof record;
    } else {
      return make_error(ErrorCode::malformed, "a record of no known kind");
    }
  }
  return at;
}

process::HostTasks decode_answer(const hm_sweep_answer& answer) {
  process::HostTasks tasks;
  tasks.running = answer.processes[HM_SWEEP_RUNNING];
  tasks.sleeping = answer.processes[HM_SWEEP_SLEEPING];
  tasks.blocked = answer.processes[HM_SWEEP_BLOCKED];
  tasks.stopped = answer.processes[HM_SWEEP_STOPPED];
  tasks.zombie = answer.processes[HM_SWEEP_ZOMBIE];
  tasks.idle = answer.processes[HM_SWEEP_IDLE];
  tasks.threads = answer.threads;
  tasks.blocked_threads = answer.blocked;
  tasks.longest_blocked = nanoseconds(answer.blocked_ns);
  return tasks;
}

}  // namespace hostmedic::bpf
