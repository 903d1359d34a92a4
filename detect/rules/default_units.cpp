// SPDX-License-Identifier: Apache-2.0
// Services, containers and their processes.
#include "detect/model/names.h"
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr DefaultCondition kServices[] = {
    {"service-restarting", "delta(hostmedic.service.restarts, 1h) > 5", "service.crash_looping", Severity::error, 0.9,
     "a slow loop: too rare for a start limit, but six in an hour are not an accident"},
    {"service-stuck", "hostmedic.service.transition.time > 10m", "service.stuck", Severity::warning, 0.8,
     "systemd's own time limit is 90 s; whoever set a longer one meant minutes"},
    {"job-idle",
     "hostmedic.service.run.time > 10s and hostmedic.service.run.time > 8 * hostmedic.service.run.usual and "
     "(hostmedic.service.cpu.time < 1% for 8s) clear after 5s",
     "job.stuck", Severity::warning, 0.9,
     "eight times as long as the longest of its last runs, and for eight seconds it did not compute: who works on much "
     "does"},
    {"service-oom", "delta(hostmedic.service.memory.events{memory.event=oom_kill}, 5m) > 0", "service.oom_killed",
     Severity::warning, 0.9, "a process of it was killed at a memory limit"},
    {"service-memory-limited",
     "hostmedic.service.memory.utilization > 95% clear below 90% and "
     "hostmedic.service.pressure.stall.time{resource=memory,kind=some} > 10% for 1m clear after 30s",
     "service.memory_limited", Severity::warning, 0.8,
     "files that are cached count too, so a full limit is usual; only with waiting for memory is it a lack"},
    {"service-stalled-on-memory",
     "hostmedic.service.pressure.stall.time{resource=memory,kind=full} > 30% clear below 10% for 1m",
     "service.memory_limited", Severity::warning, 0.8, "a third of the time nothing of it runs for want of memory"},
    {"service-throttled",
     "hostmedic.service.cpu.throttled.time > 50% clear below 20% for 5m unless stage is test* or stage is dev*",
     "service.cpu_limited", Severity::warning, 0.6,
     "its quota holds it back half of the time for minutes; meant so for batch work, not for what answers requests"},
    {"service-tasks", "hostmedic.service.tasks.utilization > 90% clear below 80% for 10s", "service.tasks_limited",
     Severity::error, 0.85, "beyond TasksMax it can start no thread, and most programs do not survive that"},
    {"service-descriptors-forecast",
     "(process.open_file_descriptor.count + 20 * delta(process.open_file_descriptor.count, 15s)) / "
     "(hostmedic.process.count{} * hostmedic.limit.maximum{resource=descriptors}) > 100% and "
     "(delta(process.open_file_descriptor.count, 3s) > 5 for 12s) and "
     "(not known(hostmedic.tcp.connections{role=server}) or 4 * delta(sum(hostmedic.tcp.connections{role=server}), "
     "10s) "
     "< delta(sum(hostmedic.tcp.connections{role=server}), 2m) + 40) clear after 20s",
     "process.leaking", Severity::warning, 0.85,
     "full within five minutes at this pace; it grew in each three seconds for twelve, and no more connections came "
     "than "
     "before: a load rises in steps and falls, what is leaked never does",
     "service:*"},
    {"service-threads-forecast",
     "process.thread.count + 20 * delta(process.thread.count, 15s) > hostmedic.limit.maximum{resource=threads} and "
     "(delta(process.thread.count, 3s) > 5 for 12s) and "
     "(not known(hostmedic.tcp.connections{role=server}) or 4 * delta(sum(hostmedic.tcp.connections{role=server}), "
     "10s) "
     "< delta(sum(hostmedic.tcp.connections{role=server}), 2m) + 40) clear after 20s",
     "process.leaking", Severity::warning, 0.85,
     "as for descriptors: beyond TasksMax within five minutes; a pool that warms up is full before", "service:*"},
    {"service-memory-forecast",
     "process.memory.usage + 10 * delta(process.memory.usage, 1m) > 1B * hostmedic.limit.maximum{resource=memory} and "
     "process.memory.usage > 50% * 1B * hostmedic.limit.maximum{resource=memory} and "
     "delta(process.memory.usage, 20s) > 0.28 * delta(process.memory.usage, 1m) and "
     "(delta(process.memory.usage, 10s) > 1MiB for 1m) clear after 30s",
     "process.leaking", Severity::warning, 0.85,
     "half of its MemoryMax is taken, and the rest within ten minutes; it grew in each ten seconds for a minute and as "
     "fast at the end: a cache that warms up grows ever slower",
     "service:*"},
    {"service-grows-unasked",
     "4 * delta(sum(hostmedic.tcp.connections{role=server}), 10s) < "
     "delta(sum(hostmedic.tcp.connections{role=server}), 2m) + 40 and ((delta(process.open_file_descriptor.count, 3s) "
     "> "
     "5 for 8s) or (delta(process.thread.count, 3s) > 5 for 8s) or (delta(process.memory.usage, 10s) > 1MiB for 40s)) "
     "clear after 30s",
     "process.leaking", Severity::info, 0.6,
     "it takes more and more while no more connections come; a job of its own does the same, so it only supports",
     "service:*", false},
    {"service-descriptors-full",
     "process.open_file_descriptor.count / (hostmedic.process.count{} * hostmedic.limit.maximum{resource=descriptors}) "
     "> "
     "95% clear below 80% for 3s",
     "service.descriptors_exhausted", Severity::error, 0.9,
     "its processes have as many open as they may, on average: the next connection is refused", "service:*"},
    {"service-fork-storm",
     "hostmedic.process.count{} - hostmedic.process.count{process.state=defunct} - avg(hostmedic.process.count{}, 30s) "
     "> "
     "100 clear below -20 and (hostmedic.process.count{} - avg(hostmedic.process.count{}, 30s)) / "
     "system.cpu.logical.count@host > 20 "
     "clear below -10 and "
     "(not known(hostmedic.tcp.connections{role=server}) or "
     "delta(sum(hostmedic.tcp.connections{role=server}), 30s) < 100) for 3s clear after 10s",
     "service.fork_storm", Severity::error, 0.9,
     "a hundred processes and twenty per CPU more than half a minute before, and no connections that would explain "
     "them: a build starts as many as there are CPUs",
     "service:*"},
    {"service-forks",
     "system.process.created@host > 20/s and "
     "hostmedic.process.count{} - hostmedic.process.count{process.state=defunct} > 100 and "
     "hostmedic.process.count{} - avg(hostmedic.process.count{}, 30s) > 50 clear below -20 for 1s clear after 10s",
     "service.fork_storm", Severity::info, 0.6,
     "the kernel counts many new processes, too; a web server that warms up does the same, so it only supports",
     "service:*", false},
    {"service-zombies",
     "hostmedic.process.count{process.state=defunct} > 100 clear below 20 and "
     "(delta(hostmedic.process.count{process.state=defunct}, 3s) > 0 for 10s) clear after 30s",
     "process.zombies", Severity::warning, 0.85,
     "a hundred dead children, and for ten seconds none was asked for: what asks in turn lets the number fall",
     "service:*"},
    {"service-zombies-on-host",
     "system.process.count{process.state=defunct}@host > 100 and hostmedic.process.count{process.state=defunct} > 50 "
     "clear below 20 for 3s",
     "process.zombies", Severity::info, 0.6, "the host's own count says it, too; whose they are it does not know",
     "service:*", false},
    {"service-cpu-runaway",
     "((avg(hostmedic.service.cpu.time, 6s) - avg(hostmedic.service.cpu.time, 1m)) / system.cpu.logical.count@host > "
     "40% "
     "and 8 * delta(sum(hostmedic.http.server.request.begun), 6s) < "
     "delta(sum(hostmedic.http.server.request.begun), 1m) + 160 and "
     "hostmedic.pressure.stall.time{resource=cpu,kind=some}@host > 30% for 2s clear after 10m) and "
     "avg(hostmedic.service.cpu.time, 6s) / system.cpu.logical.count@host > 60% clear below 30% "
     "unless stage is test* or stage is dev*",
     "service.cpu_runaway", Severity::warning, 0.85,
     "it answers requests, hardly needed the CPUs for a minute, now takes most of them without more requests, and "
     "others wait. Only of what answers HTTP, where the work that is asked for is known",
     "service:*"},
    {"service-computes-unasked",
     "8 * delta(sum(hostmedic.http.server.request.begun), 6s) < "
     "delta(sum(hostmedic.http.server.request.begun), 1m) + 160 and "
     "avg(hostmedic.service.cpu.time, 6s) / system.cpu.logical.count@host > 60% clear below 30% and "
     "avg(hostmedic.service.cpu.time, 6s) > 2 * avg(hostmedic.service.cpu.time, 1m) for 2s clear after 1m",
     "service.cpu_runaway", Severity::info, 0.6,
     "it works more and answers no more; so does a job of its own, so it "
     "only supports",
     "service:*", false},
    {"service-close-wait",
     "hostmedic.service.connections{network.connection.state=close_wait} > 200 and "
     "delta(hostmedic.service.connections{network.connection.state=close_wait}, 10m) > 20 for 1m",
     "service.leaking_connections", Severity::warning, 0.85,
     "the peer closed and the program does not: hundreds that still grow end when descriptors do"},
    {"service-close-wait-growing",
     "hostmedic.service.connections{network.connection.state=close_wait} > 50 and "
     "(delta(hostmedic.service.connections{network.connection.state=close_wait}, 8s) > 5 for 12s)",
     "service.leaking_connections", Severity::warning, 0.85,
     "dozens, and more at each of three counts: a pool that its peer closes is one step, and a leak goes on",
     "service:*"},
    {"service-opens-on",
     "delta(sum(hostmedic.tcp.connections{role=client}), 10s) > 10 and "
     "hostmedic.service.connections{network.connection.state=close_wait} > 50 clear after 10s",
     "service.leaking_connections", Severity::info, 0.6,
     "it goes on opening new ones beside dozens that are half closed: a pool would take those that it has", "service:*",
     false},
    {"service-no-descriptors", "any(hostmedic.syscall.errors{error.type=EMFILE} > 1/s for 20s)",
     "service.descriptors_exhausted", Severity::error, 0.9,
     "it has as many files and connections open as it may, and tries on", "service:*"},
    {"service-no-memory", "any(hostmedic.syscall.errors{error.type=ENOMEM} > 5/s for 30s)", "service.memory_limited",
     Severity::warning, 0.6, "calls fail for want of memory; some probe on purpose", "service:*"},
    {"service-no-space",
     "any(hostmedic.syscall.errors{error.type=ENOSPC} > 1/s for 20s) or "
     "any(hostmedic.syscall.errors{error.type=EDQUOT} > 1/s for 20s)",
     "service.cannot_write", Severity::error, 0.85, "what it writes is lost: no space or no quota", "service:*"},
    {"service-io-errors",
     "any(hostmedic.syscall.errors{error.type=EIO} > 1/s for 20s) or "
     "any(hostmedic.syscall.errors{error.type=EROFS} > 1/s for 20s)",
     "service.cannot_write", Severity::error, 0.8, "its disk fails it, or became read-only", "service:*"},
    {"service-connects-begin-to-fail",
     "delta(sum(hostmedic.tcp.connect.failures{error.type!=abandoned}), 5s) > 0 clear after 5s",
     "service.upstream_failing", Severity::info, 0.5,
     "one refused connection: some ask who may be away, so it only tells who suffers of another's fault", "service:*",
     false},
    {"service-connects-failing",
     "delta(sum(hostmedic.tcp.connect.failures{error.type!=abandoned}), 5m) > 60 and "
     "delta(sum(hostmedic.tcp.connect.failures{error.type!=abandoned}), 5m) > "
     "delta(sum(hostmedic.tcp.connections{role=client}), 5m)",
     "service.upstream_failing", Severity::warning, 0.6,
     "more than half of its connections do not come about, and many: what it depends on is away", "service:*"},
};

constexpr DefaultCondition kContainers[] = {
    {"container-crash-loop", "delta(hostmedic.container.restarts, 10m) > 3", "container.crash_looping", Severity::error,
     0.95, "its policy restarted it four times in ten minutes: the engine's own count, proof by itself", "*", true,
     true},
    {"container-falls-at-once",
     "delta(hostmedic.container.restarts, 10s) > 1 and min(hostmedic.container.restarts, 30s) >= 0",
     "container.crash_looping", Severity::warning, 0.85,
     "two falls within ten seconds of what has been there for half a minute: at its first start it may wait for "
     "others"},
    {"container-oom", "delta(hostmedic.container.memory.events{memory.event=oom_kill}, 5m) > 0", "container.oom_killed",
     Severity::warning, 0.9, "a process of it was killed at its memory limit"},
    {"container-memory-limited",
     "hostmedic.container.memory.utilization > 95% clear below 90% and "
     "hostmedic.container.pressure.stall.time{resource=memory,kind=some} > 10% for 1m clear after 30s",
     "container.memory_limited", Severity::warning, 0.8, "as for services: full and waiting"},
    {"container-throttled",
     "hostmedic.container.cpu.throttled.time > 50% clear below 20% for 5m unless stage is test* or stage is dev*",
     "container.cpu_limited", Severity::warning, 0.6, "as for services: its quota holds it back"},
    {"container-tasks", "hostmedic.container.tasks.utilization > 90% clear below 80% for 10s",
     "container.tasks_limited", Severity::error, 0.85, "as for services: no further thread"},
};

constexpr DefaultEvent kEvents[] = {
    {"job-timed-out", EventKind::unit_job, attr::kJobResult, "timeout", "service.stuck", Severity::warning, 0.8,
     minutes(10), "systemd waited as long as it was told to"},
    {"timer-overdue", EventKind::unit_job, attr::kJobResult, "overdue", "timer.overdue", Severity::warning, 0.8,
     hours(1), "what should run regularly did not: backups and renewals fail silently this way"},
    {"container-unhealthy", EventKind::container_state, attr::kContainerHealth, "unhealthy", "container.unhealthy",
     Severity::error, 0.85, hours(1),
     "its own check failed as often as its maker thought enough: its own word, proof by itself",
     "healthy|starting|none", true, seconds(10), true},
    {"container-killed-for-memory", EventKind::container_state, attr::kContainerOomKilled, "1", "container.oom_killed",
     Severity::error, 0.95, minutes(10), "its last run ended at the memory limit"},
    {"container-dead", EventKind::container_state, attr::kContainerState, "dead", "container.dead", Severity::error,
     0.9, hours(1), "its engine could not even remove it: mostly a mount that is held", "running|exited|removing"},
};

}  // namespace

void add_units(EngineConfig& ret_config) {
  add(kServices, ret_config);
  add(kContainers, ret_config);
  add(kEvents, ret_config);
}

}  // namespace hostmedic::detect
