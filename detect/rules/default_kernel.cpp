// SPDX-License-Identifier: Apache-2.0
#include "detect/model/names.h"
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr DefaultCondition kLimits[] = {
    {"limit-files", "hostmedic.limit.utilization{resource=file_handles} > 90% clear below 80% for 5s", "limit.files",
     Severity::error, 0.9, "beyond it no program can open a file, and root only a few"},
    {"limit-processes",
     "any(hostmedic.limit.utilization{resource=pids} > 90% clear below 80% for 5s) or "
     "any(hostmedic.limit.utilization{resource=threads} > 90% clear below 80% for 5s)",
     "limit.processes", Severity::error, 0.9, "beyond it nothing can be started, not even a shell to look"},
    {"limit-network-memory", "any(hostmedic.limit.utilization{resource=*_memory} > 80% clear below 60% for 10s)",
     "network.tcp_memory", Severity::warning, 0.8, "near the limit the kernel shrinks windows, at it it drops"},
    {"limit-nearly-reached",
     "any(hostmedic.limit.utilization{resource!=file_handles,resource!=pids,resource!=threads,resource!=conntrack,"
     "resource!=tcp_*,resource!=udp_*,resource!=neighbours_*} > 90% clear below 80% for 1m)",
     "limit.nearly_reached", Severity::warning, 0.7,
     "semaphores, queues, shared memory, keys, terminals, asynchronous requests: at the limit calls fail that hardly "
     "any program expects to fail"},
    {"entropy-low", "hostmedic.kernel.entropy < 64 for 10m", "kernel.entropy", Severity::warning, 0.4,
     "old kernels let programs wait for it; new ones always show 256"},
    {"processes-zombies", "system.process.count{process.state=defunct} > 200 clear below 100 for 10m",
     "process.zombies", Severity::warning, 0.7,
     "a parent that does not ask for its dead; some at a time are usual, hundreds for minutes are a fault"},
    {"processes-blocked", "hostmedic.thread.blocked.age > 2m and hostmedic.thread.blocked >= 4 for 1m clear after 10s",
     "process.blocked", Severity::error, 0.8,
     "several threads hang in the kernel for minutes, beyond any signal: a disk, a mount or a driver. Single ones are "
     "parked there by some drivers for ever"},
};

constexpr DefaultCondition kClock[] = {
    {"clock-lost", "hostmedic.clock.synchronized == 0 and max(hostmedic.clock.synchronized, 1d) > 0 for 20m",
     "clock.unsynchronized", Severity::warning, 0.8,
     "a time service kept the clock within a day and does not any more; a host that never had one is as it was made"},
    {"clock-off", "hostmedic.clock.offset > 250ms or hostmedic.clock.offset < -250ms for 5m", "clock.off",
     Severity::warning, 0.8, "certificates, tickets and clusters begin to disagree at fractions of a second"},
    {"clock-set-away", "hostmedic.clock.offset > 5s or hostmedic.clock.offset < -5s for 1s", "clock.off",
     Severity::error, 0.95,
     "a clock that a time service kept was set away by another hand, and the service has not made it its own: a "
     "service "
     "steps by less, or says at once that it keeps the new time; whoever corrects by such a slew would take hours"},
    {"clock-jumping", "delta(hostmedic.clock.steps, 1h) > 3", "clock.off", Severity::warning, 0.7,
     "a clock is set once after the boot; one that is set again and again has two masters or a bad source"},
};

// The kernel's own words. What is repeated while it lasts expires soon after the last time.
constexpr DefaultEvent kMessages[] = {
    {"kernel-hung-task", EventKind::kernel_message, attr::kKernelPattern, "hung_task", "process.blocked",
     Severity::error, 0.8, minutes(5), "a task waits for two minutes without being woken; told again every two"},
    {"kernel-soft-lockup", EventKind::kernel_message, attr::kKernelPattern, "soft_lockup", "kernel.lockup",
     Severity::critical, 0.8, minutes(5), "a CPU was kept in the kernel for twenty seconds"},
    {"kernel-hard-lockup", EventKind::kernel_message, attr::kKernelPattern, "hard_lockup", "kernel.lockup",
     Severity::critical, 0.95, minutes(10), "a CPU takes no interrupts any more"},
    {"kernel-rcu-stall", EventKind::kernel_message, attr::kKernelPattern, "rcu_stall", "kernel.lockup", Severity::error,
     0.7, minutes(5), "overloaded hypervisors cause it too, so it is not the last word"},
    {"kernel-bug", EventKind::kernel_message, attr::kKernelPattern, "kernel_bug", "kernel.fault", Severity::critical,
     0.95, hours(1), "the kernel found itself wrong; from here on anything may break"},
    {"kernel-panic", EventKind::kernel_message, attr::kKernelPattern, "kernel_panic", "kernel.fault",
     Severity::critical, 0.99, hours(1), "it gives up"},
    {"kernel-warning",
     EventKind::kernel_message,
     attr::kKernelPattern,
     "kernel_warning",
     "kernel.fault",
     Severity::info,
     0.3,
     minutes(10),
     "drivers warn of harmless things too, so it only supports",
     {},
     false},
    {"kernel-no-victim", EventKind::kernel_message, attr::kKernelPattern, "oom_no_victim", "memory.exhaustion",
     Severity::critical, 0.95, minutes(10), "memory ran out and nothing could be killed"},
    {"kernel-allocation", EventKind::kernel_message, attr::kKernelPattern, "allocation_failure", "memory.exhaustion",
     Severity::warning, 0.6, minutes(10), "the kernel itself got no memory; mostly for packets"},
    {"kernel-pids-limit", EventKind::kernel_message, attr::kKernelPattern, "pids_limit", "limit.processes",
     Severity::warning, 0.8, minutes(10), "a control group may start nothing more"},
    {"kernel-file-limit", EventKind::kernel_message, attr::kKernelPattern, "file_limit", "limit.files", Severity::error,
     0.95, minutes(10), "no file can be opened any more"},
    {"kernel-conntrack-full", EventKind::kernel_message, attr::kKernelPattern, "conntrack_full",
     "network.conntrack_full", Severity::error, 0.95, minutes(5), "packets are dropped; told again while it lasts"},
    {"kernel-syn-flood", EventKind::kernel_message, attr::kKernelPattern, "syn_flood", "network.syn_flood",
     Severity::warning, 0.7, minutes(10), "told once per listener: a flood, or a queue that is too short"},
    {"kernel-sockets-memory", EventKind::kernel_message, attr::kKernelPattern, "sockets_memory", "network.tcp_memory",
     Severity::error, 0.9, minutes(5), "TCP has used up its memory"},
    {"kernel-orphans", EventKind::kernel_message, attr::kKernelPattern, "orphaned_sockets", "network.tcp_memory",
     Severity::warning, 0.8, minutes(5), "connections without an owner are reset"},
    {"kernel-neighbours-full", EventKind::kernel_message, attr::kKernelPattern, "neighbour_table_full",
     "network.neighbours_full", Severity::error, 0.9, minutes(5), "the table of neighbours overflows"},
    {"kernel-clocksource", EventKind::kernel_message, attr::kKernelPattern, "clocksource_unstable", "clock.off",
     Severity::warning, 0.6, hours(1), "the CPU's clock is not to be trusted: slower calls and a drifting clock"},
};

}  // namespace

void add_kernel(EngineConfig& ret_config) {
  add(kLimits, ret_config);
  add(kClock, ret_config);
  add(kMessages, ret_config);
}

}  // namespace hostmedic::detect
