// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

constexpr DefaultCondition kCpu[] = {
    {"cpu-overloaded",
     "system.cpu.load_average.15m / system.cpu.logical.count > 4 margin 1 and "
     "hostmedic.pressure.stall.time{resource=cpu,kind=some} > 60% for 5m clear after 1m unless system.uptime < 15m",
     "cpu.saturated", Severity::warning, 0.7,
     "four threads per CPU over a quarter of an hour, which also wait; load alone counts those that wait for disks"},
    {"cpu-busy",
     "avg(cpu_utilization, 10m) > (97% if between 22:00 and 06:00 else 92%) margin 10% and "
     "hostmedic.pressure.stall.time{resource=cpu,kind=some} > 70% for 2m clear after 1m",
     "cpu.saturated", Severity::warning, 0.5,
     "full CPUs are well used; only with threads that wait is it a lack. Batch jobs may have the night"},
    {"cpu-stolen", "avg(system.cpu.time{cpu.mode=steal}, 20m) > 15% clear below 5% for 1m", "cpu.stolen",
     Severity::warning, 0.7,
     "the hypervisor gives a seventh of the time to others; twenty minutes say that it is not a passing neighbour"},
    {"cpu-waits-for-disks", "avg(system.cpu.time{cpu.mode=iowait}, 10m) > 40% clear below 20%", "io.stalled",
     Severity::info, 0.5, "an idle CPU that waits harms nobody by itself, so it only supports", "*", false},
    {"cpu-interrupts", "hostmedic.cpu.busiest.utilization{cpu.mode=interrupt} > 95% clear below 80% for 5m",
     "cpu.interrupts", Severity::warning, 0.6,
     "one CPU does nothing but handle interrupts: packets wait while others idle"},
    {"cpu-run-queue", "hostmedic.cpu.run_queue.time > 4 clear below 2 for 2m", "cpu.saturated", Severity::info, 0.5,
     "four threads wait per CPU; what that costs others the pressure says, so it only supports", "*", false},
};

constexpr DefaultCondition kMemory[] = {
    {"memory-thrashing",
     "hostmedic.pressure.stall.time{resource=memory,kind=some} > 20% and "
     "system.paging.operations{system.paging.direction=in} > 1000/s and "
     "system.paging.operations{system.paging.direction=out} > 500/s for 30s clear after 30s",
     "memory.exhaustion", Severity::error, 0.9,
     "what was swapped out is wanted back at once: the work does not fit. 1,000 pages are 4 MiB a second"},
    {"memory-scarce", "hostmedic.pressure.stall.time{resource=memory,kind=some} > 40% clear below 20% for 1m",
     "memory.exhaustion", Severity::warning, 0.8,
     "40% of the time something waits for memory; a scan of a big file does not come near it for a minute"},
    {"memory-oom-kills",
     "delta(hostmedic.memory.events{event=oom_kill}, 10m) > 0 and "
     "delta(hostmedic.memory.events{event=allocation_stall}, 10m) > 0",
     "memory.oom_killed", Severity::warning, 0.9,
     "the kernel killed something for want of memory; what, the incident of its unit says. Before the whole host runs "
     "out, processes stall; a group at a limit of its own is not the host's lack"},
    {"memory-allocation-stalls", "hostmedic.memory.events{event=allocation_stall} > 100/s for 30s", "memory.exhaustion",
     Severity::info, 0.6,
     "processes free memory themselves before they get any; short bursts are usual, so it only supports", "*", false},
    {"memory-kernel-caches",
     "system.memory.linux.slab.usage{system.memory.linux.slab.state=unreclaimable} / system.memory.limit > 30% "
     "clear below 25% for 10m",
     "memory.kernel_leak", Severity::warning, 0.7,
     "the kernel keeps a few percent for itself; a third that it cannot give back is a leak of a driver"},
    {"memory-node-full",
     "hostmedic.numa.memory.utilization > 97% clear below 93% and system.memory.utilization < 80% for 10m",
     "memory.node_exhaustion", Severity::warning, 0.5,
     "one node is full while the host has room: what is bound to it is slow or killed"},
};

}  // namespace

void add_cpu_and_memory(EngineConfig& ret_config) {
  add(kCpu, ret_config);
  add(kMemory, ret_config);
}

}  // namespace hostmedic::detect
