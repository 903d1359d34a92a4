// SPDX-License-Identifier: Apache-2.0
// The one table of series names and event attributes. A rename is one edit here.
#pragma once

#include <span>

#include "detect/model/series.h"

namespace hostmedic::metric {

// clang-format off
inline constexpr MetricInfo kCpuTime{"system.cpu.time", Unit::seconds, Instrument::counter, "Seconds each CPU spent, averaged over CPUs, by cpu.mode; its rate is a utilization"};
inline constexpr MetricInfo kCpuCount{"system.cpu.logical.count", Unit::count, Instrument::gauge, "CPUs online"};
inline constexpr MetricInfo kLoad1{"system.cpu.load_average.1m", Unit::count, Instrument::gauge, "Run-queue length averaged over one minute"};
inline constexpr MetricInfo kLoad5{"system.cpu.load_average.5m", Unit::count, Instrument::gauge, "Run-queue length averaged over five minutes"};
inline constexpr MetricInfo kProcessesRunning{"system.process.count", Unit::count, Instrument::gauge, "Processes by process.state (sleeping, stopped, defunct, idle; running and blocked are threads, as the scheduler counts them)"};
inline constexpr MetricInfo kProcessesCreated{"system.process.created", Unit::count, Instrument::counter, "Forks since boot"};
inline constexpr MetricInfo kContextSwitches{"system.cpu.context_switches", Unit::count, Instrument::counter, "Context switches since boot"};
inline constexpr MetricInfo kMemoryUsage{"system.memory.usage", Unit::bytes, Instrument::gauge, "Memory by system.memory.state (used, free, cached, buffers, slab, dirty)"};
inline constexpr MetricInfo kMemoryAvailable{"system.memory.linux.available", Unit::bytes, Instrument::gauge, "MemAvailable: what can be used without swapping"};
inline constexpr MetricInfo kMemoryLimit{"system.memory.limit", Unit::bytes, Instrument::gauge, "Installed memory"};
inline constexpr MetricInfo kMemoryUtilization{"system.memory.utilization", Unit::ratio, Instrument::gauge, "1 - available / installed"};
inline constexpr MetricInfo kSwapUtilization{"system.paging.utilization", Unit::ratio, Instrument::gauge, "Swap used / swap size; absent without swap"};
inline constexpr MetricInfo kPagingFaults{"system.paging.faults", Unit::count, Instrument::counter, "Page faults by system.paging.type (major, minor)"};
inline constexpr MetricInfo kPressureStall{"hostmedic.pressure.stall.time", Unit::seconds, Instrument::counter, "PSI total by resource (cpu, memory, io) and kind (some, full); its rate is the share of time stalled"};
inline constexpr MetricInfo kFilesystemUsage{"system.filesystem.usage", Unit::bytes, Instrument::gauge, "Bytes by system.filesystem.state (used, free); free is what an ordinary user may still use"};
inline constexpr MetricInfo kFilesystemLimit{"system.filesystem.limit", Unit::bytes, Instrument::gauge, "used + free"};
inline constexpr MetricInfo kFilesystemUtilization{"system.filesystem.utilization", Unit::ratio, Instrument::gauge, "used / (used + free), as df prints it"};
inline constexpr MetricInfo kFilesystemInodesUtilization{"hostmedic.filesystem.inodes.utilization", Unit::ratio, Instrument::gauge, "inodes used / inodes; absent where the filesystem has no fixed number"};
inline constexpr MetricInfo kFilesystemReadOnly{"hostmedic.filesystem.read_only", Unit::count, Instrument::gauge, "1 when mounted read-only"};
inline constexpr MetricInfo kDiskIo{"system.disk.io", Unit::bytes, Instrument::counter, "Bytes by disk.io.direction"};
inline constexpr MetricInfo kDiskOperations{"system.disk.operations", Unit::count, Instrument::counter, "Operations by disk.io.direction"};
inline constexpr MetricInfo kDiskOperationTime{"system.disk.operation_time", Unit::seconds, Instrument::counter, "Time requests took by disk.io.direction, summed"};
inline constexpr MetricInfo kDiskIoTime{"system.disk.io_time", Unit::seconds, Instrument::counter, "Time the device was busy; its rate is a utilization"};
inline constexpr MetricInfo kDiskPending{"system.disk.pending_operations", Unit::count, Instrument::gauge, "Requests in flight"};
inline constexpr MetricInfo kDiskLatencyP50{"hostmedic.disk.latency.p50", Unit::seconds, Instrument::gauge, "Median time of the requests that ended since the last reading, by disk.io.direction (read, write, flush), from a histogram in powers of two; nothing while there are none"};
inline constexpr MetricInfo kDiskLatencyP99{"hostmedic.disk.latency.p99", Unit::seconds, Instrument::gauge, "The 99th percentile of the same"};
inline constexpr MetricInfo kDiskRequests{"hostmedic.disk.requests", Unit::count, Instrument::counter, "Requests that these percentiles rest on, since the probe began, by disk.io.direction"};
inline constexpr MetricInfo kDiskErrors{"hostmedic.disk.errors", Unit::count, Instrument::counter, "Requests that failed, by error.type (io, timeout, medium, no_space, transport, other)"};
inline constexpr MetricInfo kServiceDiskOperations{"hostmedic.service.disk.operations", Unit::count, Instrument::counter, "Requests to disks charged to the unit's cgroup; only of the busiest units"};
inline constexpr MetricInfo kNetworkIo{"system.network.io", Unit::bytes, Instrument::counter, "Bytes by network.io.direction"};
inline constexpr MetricInfo kNetworkPackets{"system.network.packet.count", Unit::count, Instrument::counter, "Packets by network.io.direction"};
inline constexpr MetricInfo kNetworkErrors{"system.network.errors", Unit::count, Instrument::counter, "Errors by network.io.direction"};
inline constexpr MetricInfo kNetworkDropped{"system.network.packet.dropped", Unit::count, Instrument::counter, "Dropped packets by network.io.direction"};
inline constexpr MetricInfo kTcpConnections{"hostmedic.tcp.connections", Unit::count, Instrument::counter, "TCP connections that came about, by role (client: opened by us, server: accepted); of a service by server.port, of a remote by service.name"};
inline constexpr MetricInfo kTcpConnectFailures{"hostmedic.tcp.connect.failures", Unit::count, Instrument::counter, "TCP connections that did not come about, by error.type (refused, timeout, unreachable, no_local_port, abandoned, other)"};
inline constexpr MetricInfo kTcpConnectP50{"hostmedic.tcp.connect.latency.p50", Unit::seconds, Instrument::gauge, "Median time from SYN to an open connection since the last reading, from a histogram in powers of two; nothing while there are none"};
inline constexpr MetricInfo kTcpConnectP99{"hostmedic.tcp.connect.latency.p99", Unit::seconds, Instrument::gauge, "The 99th percentile of the same"};
inline constexpr MetricInfo kTcpRoundTrip{"hostmedic.tcp.round_trip.time", Unit::seconds, Instrument::gauge, "Mean of the smoothed round trip of connections that closed since the last reading"};
inline constexpr MetricInfo kTcpRetransmits{"hostmedic.tcp.retransmits", Unit::count, Instrument::counter, "Segments sent again"};
inline constexpr MetricInfo kTcpResets{"hostmedic.tcp.resets", Unit::count, Instrument::counter, "Resets by network.io.direction (transmit, receive)"};
inline constexpr MetricInfo kServiceCpuTime{"hostmedic.service.cpu.time", Unit::seconds, Instrument::counter, "CPU seconds of the unit's cgroup"};
inline constexpr MetricInfo kServiceMemoryUsage{"hostmedic.service.memory.usage", Unit::bytes, Instrument::gauge, "Memory charged to the unit's cgroup; absent without a memory controller"};
inline constexpr MetricInfo kServiceTasks{"hostmedic.service.tasks", Unit::count, Instrument::gauge, "Threads in the unit's cgroup"};
inline constexpr MetricInfo kServiceThrottledTime{"hostmedic.service.cpu.throttled.time", Unit::seconds, Instrument::counter, "Time in which threads of the unit were held back by its CPU quota"};
inline constexpr MetricInfo kServiceThrottledPeriods{"hostmedic.service.cpu.throttled.periods", Unit::count, Instrument::counter, "Periods in which the unit used up its CPU quota"};
inline constexpr MetricInfo kServiceMemoryUtilization{"hostmedic.service.memory.utilization", Unit::ratio, Instrument::gauge, "Memory in use / limit of the unit; absent without a limit"};
inline constexpr MetricInfo kServiceSwapUsage{"hostmedic.service.swap.usage", Unit::bytes, Instrument::gauge, "Swap in use by the unit"};
inline constexpr MetricInfo kServiceMemoryEvents{"hostmedic.service.memory.events", Unit::count, Instrument::counter, "How often the unit ran into a memory limit, by memory.event (high, max, oom, oom_kill)"};
inline constexpr MetricInfo kServicePressureStall{"hostmedic.service.pressure.stall.time", Unit::seconds, Instrument::counter, "PSI total of the unit by resource (cpu, memory, io) and kind (some, full); its rate is the share of time stalled"};
inline constexpr MetricInfo kServiceIo{"hostmedic.service.io", Unit::bytes, Instrument::counter, "Bytes of the unit to and from block devices by disk.io.direction"};
inline constexpr MetricInfo kServiceOperations{"hostmedic.service.io.operations", Unit::count, Instrument::counter, "Operations of the unit on block devices by disk.io.direction"};
inline constexpr MetricInfo kServiceTasksUtilization{"hostmedic.service.tasks.utilization", Unit::ratio, Instrument::gauge, "Threads / limit of the unit; absent without a limit"};
inline constexpr MetricInfo kContainerCpuTime{"container.cpu.time", Unit::seconds, Instrument::counter, "CPU seconds of the container"};
inline constexpr MetricInfo kContainerThrottledTime{"hostmedic.container.cpu.throttled.time", Unit::seconds, Instrument::counter, "Time in which threads of the container were held back by its CPU quota"};
inline constexpr MetricInfo kContainerThrottledPeriods{"hostmedic.container.cpu.throttled.periods", Unit::count, Instrument::counter, "Periods in which the container used up its CPU quota"};
inline constexpr MetricInfo kContainerMemoryUsage{"container.memory.usage", Unit::bytes, Instrument::gauge, "Memory charged to the container; absent without a memory controller"};
inline constexpr MetricInfo kContainerMemoryUtilization{"hostmedic.container.memory.utilization", Unit::ratio, Instrument::gauge, "Memory in use / limit of the container; absent without a limit"};
inline constexpr MetricInfo kContainerSwapUsage{"hostmedic.container.swap.usage", Unit::bytes, Instrument::gauge, "Swap in use by the container"};
inline constexpr MetricInfo kContainerMemoryEvents{"hostmedic.container.memory.events", Unit::count, Instrument::counter, "How often the container ran into a memory limit, by memory.event (high, max, oom, oom_kill)"};
inline constexpr MetricInfo kContainerPressureStall{"hostmedic.container.pressure.stall.time", Unit::seconds, Instrument::counter, "PSI total of the container by resource (cpu, memory, io) and kind (some, full); its rate is the share of time stalled"};
inline constexpr MetricInfo kContainerIo{"container.disk.io", Unit::bytes, Instrument::counter, "Bytes to and from block devices by disk.io.direction"};
inline constexpr MetricInfo kContainerOperations{"hostmedic.container.io.operations", Unit::count, Instrument::counter, "Operations of the container on block devices by disk.io.direction"};
inline constexpr MetricInfo kContainerTasks{"hostmedic.container.tasks", Unit::count, Instrument::gauge, "Threads in the container"};
inline constexpr MetricInfo kContainerTasksUtilization{"hostmedic.container.tasks.utilization", Unit::ratio, Instrument::gauge, "Threads / limit of the container; absent without a limit"};
inline constexpr MetricInfo kContainerRestarts{"hostmedic.container.restarts", Unit::count, Instrument::counter, "Restarts of the container by its engine, as its restart policy says"};
inline constexpr MetricInfo kServiceRestarts{"hostmedic.service.restarts", Unit::count, Instrument::counter, "Automatic restarts of the unit by systemd"};
inline constexpr MetricInfo kCpuBusiest{"hostmedic.cpu.busiest.utilization", Unit::ratio, Instrument::gauge, "Share of time since the last reading that the busiest CPU worked, by cpu.mode (busy: all but idle, iowait and steal; interrupt: the CPU that handled interrupts most)"};
inline constexpr MetricInfo kCpuImbalance{"hostmedic.cpu.imbalance", Unit::ratio, Instrument::gauge, "How much busier the busiest CPU was than the average of all"};
inline constexpr MetricInfo kInterrupts{"hostmedic.cpu.interrupts", Unit::count, Instrument::counter, "Hardware interrupts since boot"};
inline constexpr MetricInfo kSoftInterrupts{"hostmedic.cpu.softirqs", Unit::count, Instrument::counter, "Soft interrupts since boot by type (timer, net_rx, net_tx, block, sched, ...)"};
inline constexpr MetricInfo kBootTime{"hostmedic.host.boot_time", Unit::seconds, Instrument::gauge, "When the host was booted, in seconds since 1970"};
inline constexpr MetricInfo kUptime{"system.uptime", Unit::seconds, Instrument::gauge, "How long the host is up"};
inline constexpr MetricInfo kRunQueueTime{"hostmedic.cpu.run_queue.time", Unit::seconds, Instrument::counter, "Time that runnable threads waited for a CPU, averaged over CPUs; its rate is the average number waiting per CPU"};
inline constexpr MetricInfo kTimeslices{"hostmedic.cpu.timeslices", Unit::count, Instrument::counter, "Time slices run since boot"};
inline constexpr MetricInfo kLoad15{"system.cpu.load_average.15m", Unit::count, Instrument::gauge, "Run-queue length averaged over fifteen minutes"};
inline constexpr MetricInfo kMemorySlab{"system.memory.linux.slab.usage", Unit::bytes, Instrument::gauge, "Kernel object caches by system.memory.linux.slab.state (reclaimable, unreclaimable)"};
inline constexpr MetricInfo kMemoryKind{"hostmedic.memory.usage", Unit::bytes, Instrument::gauge, "Memory by kind (anonymous, shared, mapped, page_tables, committed, ...); kinds overlap"};
inline constexpr MetricInfo kHugePages{"hostmedic.memory.hugepages", Unit::count, Instrument::gauge, "Huge pages by state (total, free, reserved, surplus)"};
inline constexpr MetricInfo kSwapUsage{"system.paging.usage", Unit::bytes, Instrument::gauge, "Swap by system.paging.state (used, free)"};
inline constexpr MetricInfo kPagingOperations{"system.paging.operations", Unit::count, Instrument::counter, "Pages swapped by system.paging.direction (in, out)"};
inline constexpr MetricInfo kPagedIo{"hostmedic.paging.io", Unit::bytes, Instrument::counter, "Bytes that the kernel paged from and to disks, files and swap, by direction (in, out)"};
inline constexpr MetricInfo kReclaim{"hostmedic.memory.reclaim", Unit::count, Instrument::counter, "Pages that memory reclaim scanned and freed, by actor (kswapd: in the background, direct: while a process waited, ...) and kind (scanned, reclaimed)"};
inline constexpr MetricInfo kMemoryEvents{"hostmedic.memory.events", Unit::count, Instrument::counter, "What happened in memory management, by event (oom_kill, allocation_stall, compaction_stall, refault_file, ...)"};
inline constexpr MetricInfo kNumaMemory{"hostmedic.numa.memory.usage", Unit::bytes, Instrument::gauge, "Memory of a NUMA node by numa.node and state (total, free, used, file, anonymous, shared, slab_unreclaimable, dirty); only with more than one node"};
inline constexpr MetricInfo kNumaUtilization{"hostmedic.numa.memory.utilization", Unit::ratio, Instrument::gauge, "Share of a NUMA node's memory that is neither free nor file cache"};
inline constexpr MetricInfo kNumaAllocations{"hostmedic.numa.allocations", Unit::count, Instrument::counter, "Pages allocated by numa.node and type (hit, miss: meant for another node, foreign: meant for this one but taken elsewhere, local, other)"};
inline constexpr MetricInfo kTcpEvents{"hostmedic.network.tcp.events", Unit::count, Instrument::counter, "What happened in TCP, by event (retransmit, timeout, listen_overflow, listen_drop, reset_sent, syn_cookie_sent, ...)"};
inline constexpr MetricInfo kTcpSegments{"hostmedic.network.tcp.segments", Unit::count, Instrument::counter, "TCP segments by network.io.direction"};
inline constexpr MetricInfo kTcpEstablished{"hostmedic.network.tcp.established", Unit::count, Instrument::gauge, "TCP connections that are established or half closed by the peer"};
inline constexpr MetricInfo kUdpDatagrams{"hostmedic.network.udp.datagrams", Unit::count, Instrument::counter, "UDP datagrams by network.io.direction and network.type (ipv4, ipv6)"};
inline constexpr MetricInfo kUdpEvents{"hostmedic.network.udp.events", Unit::count, Instrument::counter, "What went wrong in UDP, by event (receive_buffer_full, no_port, ...) and network.type"};
inline constexpr MetricInfo kIpPackets{"hostmedic.network.ip.packets", Unit::count, Instrument::counter, "IP packets by network.io.direction (receive, transmit, deliver, forward) and network.type"};
inline constexpr MetricInfo kIpIo{"hostmedic.network.ip.io", Unit::bytes, Instrument::counter, "Bytes in IP packets by network.io.direction and network.type"};
inline constexpr MetricInfo kIpEvents{"hostmedic.network.ip.events", Unit::count, Instrument::counter, "What happened in IP, by event (reassembly_failed, no_route, header_error, ...) and network.type"};
inline constexpr MetricInfo kIcmpMessages{"hostmedic.network.icmp.messages", Unit::count, Instrument::counter, "ICMP messages by network.io.direction, network.type and type (all, destination_unreachable, time_exceeded, ...)"};
inline constexpr MetricInfo kSoftnet{"hostmedic.network.softnet.events", Unit::count, Instrument::counter, "Packets that came out of the network cards, by event (processed; dropped: the backlog was full; time_squeeze: the budget ran out; flow_limit, steered)"};
inline constexpr MetricInfo kSockets{"hostmedic.network.sockets", Unit::count, Instrument::gauge, "Sockets by protocol (all, tcp, udp, raw, fragments, with 6 for IPv6) and state (used, orphan, time_wait, allocated)"};
inline constexpr MetricInfo kSocketMemory{"hostmedic.network.socket.memory", Unit::bytes, Instrument::gauge, "Memory in the buffers of sockets by protocol"};
inline constexpr MetricInfo kConntrackEvents{"hostmedic.network.conntrack.events", Unit::count, Instrument::counter, "What happened in connection tracking, by event (drop, early_drop, insert_failed, invalid, ...)"};
inline constexpr MetricInfo kNeighbourEvents{"hostmedic.network.neighbour.events", Unit::count, Instrument::counter, "What happened in the neighbour (ARP, NDP) table, by event (table_full, resolve_failed, ...) and network.type"};
inline constexpr MetricInfo kLimitUsage{"hostmedic.limit.usage", Unit::count, Instrument::gauge, "How much of a kernel-wide limit is used, by resource (file_handles, pids, threads, conntrack, tcp_memory in pages, keys of the fullest user, ...)"};
inline constexpr MetricInfo kLimitMaximum{"hostmedic.limit.maximum", Unit::count, Instrument::gauge, "The kernel-wide limit, by resource"};
inline constexpr MetricInfo kLimitUtilization{"hostmedic.limit.utilization", Unit::ratio, Instrument::gauge, "usage / maximum, by resource"};
inline constexpr MetricInfo kKernelObjects{"hostmedic.kernel.objects", Unit::count, Instrument::gauge, "Objects that the kernel holds for files, by kind (inode, inode_free, dentry, dentry_unused, dentry_negative)"};
inline constexpr MetricInfo kEntropy{"hostmedic.kernel.entropy", Unit::count, Instrument::gauge, "Bits of entropy at hand"};
inline constexpr MetricInfo kTaint{"hostmedic.kernel.taint", Unit::count, Instrument::gauge, "1 if the kernel marked itself so since boot, by flag (died, warned, machine_check, soft_lockup, ...)"};
inline constexpr MetricInfo kDiskMerged{"system.disk.merged", Unit::count, Instrument::counter, "Requests that were merged into one, by disk.io.direction"};
inline constexpr MetricInfo kDiskQueueTime{"hostmedic.disk.queue.time", Unit::seconds, Instrument::counter, "Time that requests spent queued and in service, summed; its rate is the average length of the queue"};
inline constexpr MetricInfo kDiskOther{"hostmedic.disk.operations", Unit::count, Instrument::counter, "Operations that are neither read nor write, by operation (discard, flush)"};
inline constexpr MetricInfo kDiskOtherTime{"hostmedic.disk.operation.time", Unit::seconds, Instrument::counter, "Time they took, by operation (discard, flush), summed"};
inline constexpr MetricInfo kDiskDiscarded{"hostmedic.disk.discarded", Unit::bytes, Instrument::counter, "Bytes discarded"};
inline constexpr MetricInfo kInterfaceEvents{"hostmedic.network.interface.events", Unit::count, Instrument::counter, "Details of an interface's errors and drops by event (fifo, frame, carrier, collision, multicast) and network.io.direction"};
inline constexpr MetricInfo kServiceTransition{"hostmedic.service.transition.time", Unit::seconds, Instrument::gauge, "How long the unit has been starting, stopping or reloading, as far as it was seen; 0 when it is not; the run of a oneshot does not count; absent until it first takes a second"};
inline constexpr MetricInfo kProcessesTotal{"hostmedic.process.total", Unit::count, Instrument::gauge, "Processes on the host, kernel threads included"};
inline constexpr MetricInfo kThreadsTotal{"hostmedic.thread.total", Unit::count, Instrument::gauge, "Threads on the host"};
inline constexpr MetricInfo kThreadsBlocked{"hostmedic.thread.blocked", Unit::count, Instrument::gauge, "Threads in uninterruptible sleep (state D)"};
inline constexpr MetricInfo kThreadsBlockedAge{"hostmedic.thread.blocked.age", Unit::seconds, Instrument::gauge, "How long the longest of them has been in it; 0 without any"};
inline constexpr MetricInfo kProcessCpuTime{"process.cpu.time", Unit::seconds, Instrument::counter, "CPU seconds of a group's processes by cpu.mode (user, system)"};
inline constexpr MetricInfo kProcessRunDelay{"hostmedic.process.run_delay", Unit::seconds, Instrument::counter, "Seconds that a group's threads were ready and waited for a CPU"};
inline constexpr MetricInfo kProcessMemoryUsage{"process.memory.usage", Unit::bytes, Instrument::gauge, "Resident memory of a group's processes; what they share is counted in each"};
inline constexpr MetricInfo kProcessSwapUsage{"hostmedic.process.swap.usage", Unit::bytes, Instrument::gauge, "Memory of a group's processes that is swapped out"};
inline constexpr MetricInfo kProcessDiskIo{"process.disk.io", Unit::bytes, Instrument::counter, "Bytes by disk.io.direction that a group's processes caused at block devices"};
inline constexpr MetricInfo kProcessDescriptors{"process.open_file_descriptor.count", Unit::count, Instrument::gauge, "Descriptors that a group's processes have open"};
inline constexpr MetricInfo kProcessThreads{"process.thread.count", Unit::count, Instrument::gauge, "Threads of a group's processes"};
inline constexpr MetricInfo kProcessMembers{"hostmedic.process.count", Unit::count, Instrument::gauge, "Processes in a group"};
inline constexpr MetricInfo kProcessFaults{"process.paging.faults", Unit::count, Instrument::counter, "Page faults of a group's processes by system.paging.fault.type (major, minor)"};
inline constexpr MetricInfo kProcessSwitches{"process.context_switches", Unit::count, Instrument::counter, "Context switches of a group's threads by process.context_switch.type (voluntary, involuntary)"};
inline constexpr MetricInfo kAgentCpuTime{"hostmedic.agent.cpu.time", Unit::seconds, Instrument::counter, "CPU seconds of a Hostmedic process, by part"};
inline constexpr MetricInfo kAgentMemory{"hostmedic.agent.memory.usage", Unit::bytes, Instrument::gauge, "Resident memory of a Hostmedic process, by part"};
inline constexpr MetricInfo kCheckUp{"hostmedic.check.up", Unit::count, Instrument::gauge, "1 when the check got the answer it expects, by check.id"};
inline constexpr MetricInfo kCheckDuration{"hostmedic.check.duration", Unit::seconds, Instrument::gauge, "How long the answer took, by check.id; absent when none came"};
inline constexpr MetricInfo kCheckCertificateExpiry{"hostmedic.check.certificate.not_after", Unit::seconds, Instrument::gauge, "When the certificate that the endpoint showed ends, in seconds since 1970"};
inline constexpr MetricInfo kScrapeUp{"hostmedic.scrape.up", Unit::count, Instrument::gauge, "1 when the exporter could be read, by scrape.id"};
inline constexpr MetricInfo kProbeCpuTime{"hostmedic.probe.cpu.time", Unit::seconds, Instrument::counter, "Processor time of the probe's thread spent in one probe"};
inline constexpr MetricInfo kAgentBudgetLevel{"hostmedic.agent.budget.level", Unit::count, Instrument::gauge, "How far probes are slowed down to keep the agent's budget; 0 is full speed"};
inline constexpr MetricInfo kSyscallErrors{"hostmedic.syscall.errors", Unit::count, Instrument::counter, "System calls of a service, or of the whole host, that failed, by hostmedic.syscall.kind (open, read, write, file, connect, accept, network, memory, process, other) and error.type; scaled up from samples, so single failures are mostly missed"};
inline constexpr MetricInfo kSyscallSampled{"hostmedic.syscall.sampled", Unit::ratio, Instrument::gauge, "Share of the time in which failing system calls were looked at"};
inline constexpr MetricInfo kBpfSeen{"hostmedic.bpf.events.seen", Unit::count, Instrument::counter, "Events that a BPF program saw, by event (exec, exit, oom, signal, ...); a kind that is absent is not watched here"};
inline constexpr MetricInfo kBpfDropped{"hostmedic.bpf.events.dropped", Unit::count, Instrument::counter, "Events lost by reason (ring_buffer: it was full, rate: more than are passed on in a second, services, rows or map: no room for a further one)"};
inline constexpr MetricInfo kTemperature{"hw.temperature", Unit::celsius, Instrument::gauge, "Temperature of a sensor, hw.id"};
inline constexpr MetricInfo kTemperatureUtilization{"hostmedic.hardware.temperature.utilization", Unit::ratio, Instrument::gauge, "Temperature / the sensor's critical temperature, or its highest allowed one, both in degrees Celsius; absent where the kernel knows neither"};
inline constexpr MetricInfo kFanSpeed{"hostmedic.hardware.fan.speed", Unit::per_second, Instrument::gauge, "Turns per second of a fan, hw.id"};
inline constexpr MetricInfo kCpuThrottled{"hostmedic.cpu.throttled", Unit::count, Instrument::counter, "How often CPUs were slowed down because of heat, by hw.type (core, package)"};
inline constexpr MetricInfo kCoolingUtilization{"hostmedic.hardware.cooling.utilization", Unit::ratio, Instrument::gauge, "How far cooling is turned up (for CPUs: how far they are slowed down), the highest of a type"};
inline constexpr MetricInfo kHardwareErrors{"hw.errors", Unit::count, Instrument::counter, "Errors that hardware reported, by error.type (corrected, uncorrected: memory; machine_check: CPU; io, timeout: disk)"};
inline constexpr MetricInfo kArrayMissing{"hostmedic.array.disks.missing", Unit::count, Instrument::gauge, "Disks that an array lacks"};
inline constexpr MetricInfo kArrayMismatches{"hostmedic.array.mismatches", Unit::count, Instrument::gauge, "Sectors that differed between disks at the last check of an array"};
inline constexpr MetricInfo kArraySync{"hostmedic.array.sync.ratio", Unit::ratio, Instrument::gauge, "How much of the sync under way is done; absent when there is none"};
inline constexpr MetricInfo kDiskWear{"hostmedic.disk.wear", Unit::ratio, Instrument::gauge, "Share of the expected life of flash memory that is used up"};
inline constexpr MetricInfo kLinkUp{"hw.network.up", Unit::count, Instrument::gauge, "1 when the link has a carrier"};
inline constexpr MetricInfo kLinkSpeed{"hw.network.bandwidth.limit", Unit::bytes_per_second, Instrument::gauge, "Speed of the link"};
inline constexpr MetricInfo kCarrierChanges{"hostmedic.network.carrier.changes", Unit::count, Instrument::counter, "How often the link went up or down"};
inline constexpr MetricInfo kSocketCount{"system.network.connection.count", Unit::count, Instrument::gauge, "TCP sockets by network.connection.state"};
inline constexpr MetricInfo kServiceSockets{"hostmedic.service.connections", Unit::count, Instrument::gauge, "TCP sockets of a unit by network.connection.state (established, close_wait, listen)"};
inline constexpr MetricInfo kUserSockets{"hostmedic.user.connections", Unit::count, Instrument::gauge, "TCP sockets by user.id, where the kernel does not say whose unit they are"};
inline constexpr MetricInfo kAcceptQueue{"hostmedic.socket.accept_queue.length", Unit::count, Instrument::gauge, "Connections that wait to be accepted, by server.port"};
inline constexpr MetricInfo kAcceptQueueUtilization{"hostmedic.socket.accept_queue.utilization", Unit::ratio, Instrument::gauge, "The same / what the listener lets wait; the fullest listener of the port"};
inline constexpr MetricInfo kGatewayReachable{"hostmedic.network.gateway.reachable", Unit::count, Instrument::gauge, "0 when the default gateway does not answer on the link (ARP, neighbour discovery), 1 otherwise; absent while nothing was sent to it"};
inline constexpr MetricInfo kCertificateExpiry{"hostmedic.certificate.expiry.time", Unit::seconds, Instrument::gauge, "Time until the certificate ends; negative when it has ended"};
inline constexpr MetricInfo kClockOffset{"hostmedic.clock.offset", Unit::seconds, Instrument::gauge, "By how much the wall clock is off, as far as the kernel knows and corrects it"};
inline constexpr MetricInfo kClockEstimatedError{"hostmedic.clock.error.estimated", Unit::seconds, Instrument::gauge, "Error of the wall clock as the time service estimates it"};
inline constexpr MetricInfo kClockMaximumError{"hostmedic.clock.error.maximum", Unit::seconds, Instrument::gauge, "Bound of the wall clock's error; grows while nothing disciplines it, up to 16 s"};
inline constexpr MetricInfo kClockFrequency{"hostmedic.clock.frequency", Unit::ratio, Instrument::gauge, "Correction of the clock's speed: 0.00002 is 20 ppm"};
inline constexpr MetricInfo kClockSynchronized{"hostmedic.clock.synchronized", Unit::count, Instrument::gauge, "1 while a time service keeps the wall clock"};
inline constexpr MetricInfo kClockLeap{"hostmedic.clock.leap", Unit::seconds, Instrument::gauge, "Leap second at the end of the day: 1 inserted, -1 left out, 0 none"};
inline constexpr MetricInfo kClockSteps{"hostmedic.clock.steps", Unit::count, Instrument::counter, "How often the wall clock was set by 10 ms or more"};
inline constexpr MetricInfo kKernelMessages{"hostmedic.kernel.messages", Unit::count, Instrument::counter, "Lines of the kernel's log that mean trouble, by kernel.pattern"};
inline constexpr MetricInfo kKernelLogLines{"hostmedic.kernel.log.lines", Unit::count, Instrument::counter, "Lines of the kernel's log since the agent reads it"};
inline constexpr MetricInfo kKernelMessagesDropped{"hostmedic.kernel.messages.dropped", Unit::count, Instrument::counter, "By reason: overwritten (lines that were gone before they could be read), rate (events held back because there were too many)"};
inline constexpr MetricInfo kHttpRequests{"hostmedic.http.server.request.count", Unit::count, Instrument::counter, "HTTP requests answered, by http.response.status_code (1xx to 5xx, or unknown) and network.local.port; seen in clear text on the wire; or, with log.file.path, as the server's access log has them"};
inline constexpr MetricInfo kHttpRequestsBegun{"hostmedic.http.server.request.begun", Unit::count, Instrument::counter, "HTTP requests received, by network.local.port; without those whose head did not begin a packet"};
inline constexpr MetricInfo kHttpDurationP50{"hostmedic.http.server.request.duration.p50", Unit::seconds, Instrument::gauge, "Time from request line to status line that half of the last second's requests did not exceed, by network.local.port"};
inline constexpr MetricInfo kHttpDurationP99{"hostmedic.http.server.request.duration.p99", Unit::seconds, Instrument::gauge, "The same for 99 of 100"};
inline constexpr MetricInfo kHttp2Connections{"hostmedic.http.server.http2.connections", Unit::count, Instrument::counter, "HTTP/2 connections begun in clear text, by network.local.port"};
inline constexpr MetricInfo kGrpcRequests{"hostmedic.rpc.server.response.count", Unit::count, Instrument::counter, "gRPC answers whose status was visible, by rpc.response.status_code (ok, error) and network.local.port"};
inline constexpr MetricInfo kHttpPortsEncrypted{"hostmedic.http.encrypted.ports", Unit::count, Instrument::gauge, "Local ports left alone at present because what they speak is encrypted"};
inline constexpr MetricInfo kHttpSampling{"hostmedic.http.sampling.ratio", Unit::ratio, Instrument::gauge, "Share of connections whose HTTP is looked at; below 1 under load, and the counts are scaled up by it"};
inline constexpr MetricInfo kLogRecords{"hostmedic.log.records", Unit::count, Instrument::counter, "Records in a log by log.severity: of the host all that its journal holds, of a service its own; with log.file.path those of a file"};
inline constexpr MetricInfo kLogTemplatesNew{"hostmedic.log.templates.new", Unit::count, Instrument::counter, "Kinds of log message that were seen for the first time"};
inline constexpr MetricInfo kLogTemplatesKnown{"hostmedic.log.templates.known", Unit::count, Instrument::gauge, "Kinds of log message that are known at present; the bound is 256 per log"};
inline constexpr MetricInfo kLogTemplateRecords{"hostmedic.log.template.records", Unit::count, Instrument::counter, "Records by log.template.id and log.template.text: the 16 most frequent kinds of message of a log, the rest as other"};
inline constexpr MetricInfo kLogDropped{"hostmedic.log.dropped", Unit::count, Instrument::counter, "Records of the journal that nobody looked at, by reason (behind: too many at once, or written while the agent was away; unreadable)"};
inline constexpr MetricInfo kLogSkipped{"hostmedic.log.skipped", Unit::bytes, Instrument::counter, "Bytes of log files that were not looked at because too much was written in a second; the counts are scaled up by them"};
inline constexpr MetricInfo kHttpResponseBytes{"hostmedic.http.server.response.io", Unit::bytes, Instrument::counter, "Bytes of HTTP answers, by log.file.path of the access log"};
inline constexpr MetricInfo kLogSampling{"hostmedic.log.sampling.ratio", Unit::ratio, Instrument::gauge, "Share of the journal's records that are looked at; below 1 under load, and the counts are scaled up by it"};
// clang-format on

// All of the above, for `hostmedic list series` and the reference.
std::span<const MetricInfo* const> all();

}  // namespace hostmedic::metric

// Keys of event attributes.
namespace hostmedic::attr {

// unit_state. active_state, sub_state, result: systemd's own words ("failed", "exit-code", "signal", "oom-kill").
inline constexpr std::string_view kUnitActiveState = "unit.active_state";
inline constexpr std::string_view kUnitPreviousState = "unit.previous_state";
inline constexpr std::string_view kUnitSubState = "unit.sub_state";
inline constexpr std::string_view kUnitResult = "unit.result";
inline constexpr std::string_view kUnitRestarts = "unit.restarts";             // NRestarts
inline constexpr std::string_view kUnitRestartPolicy = "unit.restart_policy";  // "no", "on-failure", ...
inline constexpr std::string_view kUnitMainPid = "unit.main_pid";
inline constexpr std::string_view kUnitExitCode = "unit.exec_main_status";  // exit code, or number of the signal
inline constexpr std::string_view kUnitInitial = "unit.initial";  // "1": the state found at start, not a change

// unit_job.
inline constexpr std::string_view kJobType = "job.type";          // "timer", or absent
inline constexpr std::string_view kJobResult = "job.result";      // "timeout", "failed", "dependency"; "overdue"
inline constexpr std::string_view kJobTriggers = "job.triggers";  // of a timer: the unit that it starts
inline constexpr std::string_view kJobOverdue = "job.overdue";    // of a timer: seconds since it should have run

// container_state. OpenTelemetry's container.* where there is one.
inline constexpr std::string_view kContainerId = "container.id";
inline constexpr std::string_view kContainerName = "container.name";
inline constexpr std::string_view kContainerImage = "container.image.name";
inline constexpr std::string_view kContainerRuntime = "container.runtime";  // docker, podman, containerd, cri-o
inline constexpr std::string_view kContainerEvent = "container.event";  // found, create, start, die, restart, oom, ...
inline constexpr std::string_view kContainerState = "container.state";  // running, exited, restarting, paused, ...
inline constexpr std::string_view kContainerHealth = "container.health";         // healthy, unhealthy, starting
inline constexpr std::string_view kContainerExitCode = "container.exit_code";    // of the last run
inline constexpr std::string_view kContainerRestarts = "container.restarts";     // by the restart policy
inline constexpr std::string_view kContainerOomKilled = "container.oom_killed";  // "1": the last run ended by it

// process_exec, process_exit, oom_kill.
inline constexpr std::string_view kProcessPid = "process.pid";
inline constexpr std::string_view kProcessParentPid = "process.parent_pid";
inline constexpr std::string_view kProcessName = "process.executable.name";
inline constexpr std::string_view kProcessPath = "process.executable.path";  // as it was called
inline constexpr std::string_view kProcessParentName = "process.parent.executable.name";
inline constexpr std::string_view kProcessExitCode = "process.exit.code";
inline constexpr std::string_view kProcessExitSignal = "process.exit.signal";  // number
inline constexpr std::string_view kProcessUnit = "process.unit";               // systemd unit, if known
inline constexpr std::string_view kProcessUptime = "process.uptime";           // seconds from its start to the event

// oom_kill. group: the control group whose limit was hit; absent when the whole host is short. requester: the task
// whose request for memory could not be met; not necessarily the one that used it up.
inline constexpr std::string_view kOomGroup = "oom.group";
inline constexpr std::string_view kOomLimit = "oom.limit";  // bytes
inline constexpr std::string_view kOomRequesterPid = "oom.requester.pid";
inline constexpr std::string_view kOomRequesterName = "oom.requester.name";
inline constexpr std::string_view kOomRequesterUnit = "oom.requester.unit";

// fatal_signal; process.* is who gets it.
inline constexpr std::string_view kSignalNumber = "signal.number";
inline constexpr std::string_view kSignalCause = "signal.cause";  // process, itself, kernel (a fault or a limit)
inline constexpr std::string_view kSignalSenderPid = "signal.sender.pid";
inline constexpr std::string_view kSignalSenderName = "signal.sender.name";
inline constexpr std::string_view kSignalSenderUnit = "signal.sender.unit";
inline constexpr std::string_view kProcessUser = "process.user.id";  // real user id

// behaviour; process.* is who does it. kind: setuid_exec, memfd_exec, traced_exec, ptrace_attach, module_load,
// module_unload; from detection itself service_novelty, host_novelty and weak_novelty, whose object is what is new.
// object: the program as it was called, the name of the memory file, the name of the tracer or of the process that is
// traced, the module.
inline constexpr std::string_view kBehaviourKind = "behaviour.kind";
inline constexpr std::string_view kBehaviourObject = "behaviour.object";
inline constexpr std::string_view kBehaviourObjectPid = "behaviour.object.pid";
inline constexpr std::string_view kBehaviourScore = "behaviour.score";  // of what detection found new, in nats

// filesystem_error. kind: damage (its structures contradict each other), shutdown (it stopped itself), writeback
// (written data did not reach the device). place: function and line of the kernel that found it.
inline constexpr std::string_view kFilesystemErrorKind = "filesystem.error.kind";
inline constexpr std::string_view kFilesystemErrorPlace = "filesystem.error.place";
inline constexpr std::string_view kFilesystemType = "system.filesystem.type";
inline constexpr std::string_view kFilesystemDevice = "filesystem.device";           // "8:1"
inline constexpr std::string_view kFilesystemDeviceName = "filesystem.device.name";  // "sda1"
inline constexpr std::string_view kErrorType = "error.type";                         // "EIO"

// file_growth.
inline constexpr std::string_view kFilePath = "file.path";
inline constexpr std::string_view kFileSize = "file.size";                   // bytes, apparent
inline constexpr std::string_view kFileAllocated = "file.allocated";         // bytes on disk
inline constexpr std::string_view kFileGrowth = "file.growth_per_second";    // bytes per second
inline constexpr std::string_view kFileGrowthShare = "file.growth_share";    // 0..1 of the filesystem's own growth
inline constexpr std::string_view kFileRoot = "file.root";                   // the allow-listed log root that holds it
inline constexpr std::string_view kFileLogrotate = "file.logrotate_config";  // configuration that covers it, or absent
inline constexpr std::string_view kWriterPid = "writer.pid";
inline constexpr std::string_view kWriterName = "writer.executable.name";
inline constexpr std::string_view kWriterUnit = "writer.unit";
inline constexpr std::string_view kWriterAppends = "writer.appends";  // "1": every writer has it open with O_APPEND

// mount_changed.
inline constexpr std::string_view kMountAction = "mount.action";  // mounted, unmounted, replaced, read_only, read_write
inline constexpr std::string_view kMountSource = "system.device";  // "/dev/sda1", "server:/export"
inline constexpr std::string_view kMountType = "system.filesystem.type";

// certificate. The times are UTC, "2026-11-21T02:18:53Z".
inline constexpr std::string_view kCertificateAction = "certificate.action";  // found, replaced
inline constexpr std::string_view kCertificateSubject = "certificate.subject";
inline constexpr std::string_view kCertificateIssuer = "certificate.issuer";
inline constexpr std::string_view kCertificateNotAfter = "certificate.not_after";

// clock_step.
inline constexpr std::string_view kClockStep = "clock.step";  // seconds with sign: "-3.500000"

// hardware_fault. The state that is left, in the kernel's words: "running" -> "offline", "tsc" -> "hpet".
inline constexpr std::string_view kHardwareType = "hardware.type";  // "memory", "disk", "array", "clocksource", ...
inline constexpr std::string_view kHardwareId = "hardware.id";      // "mc0", "hwmon1 fan2"; absent: the entity says it
inline constexpr std::string_view kHardwareState = "hardware.state";
inline constexpr std::string_view kHardwarePrevious = "hardware.previous_state";

// kernel_message; also process.*.
inline constexpr std::string_view kKernelPattern = "kernel.pattern";  // "oom_kill", "io_error", ...
inline constexpr std::string_view kKernelText = "kernel.text";        // the line, cut
inline constexpr std::string_view kKernelDevice = "kernel.device";    // as the kernel spells it: "sda1", "ata3"
inline constexpr std::string_view kServerPort = "server.port";

// listener, destination.
inline constexpr std::string_view kNetworkTransport = "network.transport";
inline constexpr std::string_view kNetworkLocalAddress = "network.local.address";
inline constexpr std::string_view kNetworkLocalPort = "network.local.port";
inline constexpr std::string_view kNetworkPeerAddress = "network.peer.address";
inline constexpr std::string_view kNetworkPeerPort = "network.peer.port";
inline constexpr std::string_view kListenerState = "network.listener.state";  // listening, closed
inline constexpr std::string_view kNetworkInitial = "network.initial";        // "1": soon after start, when all is new

inline constexpr std::string_view kProbeName = "probe.name";
inline constexpr std::string_view kProbeState = "probe.state";    // available, unavailable, late
inline constexpr std::string_view kProbeReason = "probe.reason";  // "not here, because ..."
inline constexpr std::string_view kCount = "count";

// check_state.
inline constexpr std::string_view kCheckId = "check.id";
inline constexpr std::string_view kCheckUrl = "check.url";
inline constexpr std::string_view kCheckState = "check.state";    // up, down
inline constexpr std::string_view kCheckReason = "check.reason";  // of down
// log_template. The id is a hash of the text at that time.
inline constexpr std::string_view kLogTemplateId = "log.template.id";
inline constexpr std::string_view kLogTemplateText = "log.template.text";  // with <num>, <ip>, <*> and the like
inline constexpr std::string_view kLogSeverity = "log.severity";           // of the first record: "ERROR"
inline constexpr std::string_view kLogSample = "log.sample";               // the first record, without secrets, cut
inline constexpr std::string_view kLogFilePath = "log.file.path";          // absent for the journal

// change; entity: what was changed (the package, the service whose unit file or configuration it is, the container, the
// host). action: installed, upgraded, downgraded, removed; created, modified, deleted; booted; marked.
inline constexpr std::string_view kChangeType = "change.type";  // package, unit_file, configuration, image, boot,
                                                                // kernel, deployment
inline constexpr std::string_view kChangeAction = "change.action";
inline constexpr std::string_view kChangeName = "change.name";  // of the package, the image, the deployment
inline constexpr std::string_view kChangeVersion = "change.version";
inline constexpr std::string_view kChangePreviousVersion = "change.previous_version";
inline constexpr std::string_view kChangePath = "change.path";  // of the file
inline constexpr std::string_view kChangeBy = "change.by";      // who, where it is known

// relation; the event's entity depends on the target: a fault of the target may be why the entity suffers.
// type: requires (Requires=, BindsTo=, Requisite=), wants, after, part_of, connects_to (a client and whom it asks),
// stored_on (a filesystem and its device, a device and the one below), writes_to (a service and a filesystem),
// runs_in (a container and its engine's service), uses (a service and a certificate), owned_by (a service and its
// package).
inline constexpr std::string_view kRelationType = "relation.type";
inline constexpr std::string_view kRelationTarget = "relation.target";  // to_string() of an entity
inline constexpr std::string_view kRelationState = "relation.state";    // present, gone

// agent_budget.
inline constexpr std::string_view kBudgetLevel = "budget.level";
inline constexpr std::string_view kBudgetReason = "budget.reason";  // cpu, memory, recovered
inline constexpr std::string_view kBudgetCpu = "budget.cpu";        // share of one core over the last minute
inline constexpr std::string_view kBudgetMemory = "budget.memory";  // resident bytes

}  // namespace hostmedic::attr
