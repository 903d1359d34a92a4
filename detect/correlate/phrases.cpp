// SPDX-License-Identifier: Apache-2.0
// How the kind of an incident reads in a sentence: "filesystem:/srv is filling up".
#include <algorithm>
#include <array>

#include "detect/correlate/explain.h"

namespace hostmedic::detect {

namespace {

struct Phrase {
  std::string_view kind, text;
};
constexpr std::array kPhrases{
    Phrase{"systemic", "is in a storm: too much departs at once"},
    Phrase{"service.failed", "has failed"},
    Phrase{"service.oom_killed", "lost a process for want of memory"},
    Phrase{"service.crash_looping", "crashes again and again"},
    Phrase{"service.stuck", "does not get done with starting or stopping"},
    Phrase{"service.memory_limited", "waits at its memory limit"},
    Phrase{"service.cpu_limited", "is held back by its CPU quota"},
    Phrase{"service.fork_storm", "starts processes without end"},
    Phrase{"service.cpu_runaway", "computes, and nobody asked it to"},
    Phrase{"service.tasks_limited", "can hardly start a thread"},
    Phrase{"service.leaking_connections", "does not close what its peers closed"},
    Phrase{"service.descriptors_exhausted", "has no descriptor left"},
    Phrase{"service.cannot_write", "cannot write"},
    Phrase{"service.upstream_failing", "does not reach what it depends on"},
    Phrase{"service.hung", "runs, and answers nobody"},
    Phrase{"service.not_accepting", "does not accept its connections"},
    Phrase{"service.behaviour", "does what it never did before"},
    Phrase{"host.behaviour", "sees what nobody did on it before"},
    Phrase{"container.behaviour", "does what it never did before"},
    Phrase{"container.crash_looping", "crashes again and again"},
    Phrase{"container.oom_killed", "lost a process for want of memory"},
    Phrase{"container.memory_limited", "waits at its memory limit"},
    Phrase{"container.cpu_limited", "is held back by its CPU quota"},
    Phrase{"container.tasks_limited", "can hardly start a thread"},
    Phrase{"container.unhealthy", "fails its own check of health"},
    Phrase{"container.dead", "cannot be removed by its engine"},
    Phrase{"process.blocked", "has threads that hang in the kernel"},
    Phrase{"process.leaking", "takes more and more and gives nothing back"},
    Phrase{"process.zombies", "has many dead processes that nobody asks for"},
    Phrase{"job.stuck", "does not come to its end"},
    Phrase{"timer.overdue", "did not run when it was due"},
    Phrase{"filesystem.filling", "is filling up"},
    Phrase{"filesystem.inodes_filling", "runs out of inodes"},
    Phrase{"filesystem.read_only", "became read-only"},
    Phrase{"filesystem.damaged", "is damaged"},
    Phrase{"filesystem.unreachable", "waits for a file server"},
    Phrase{"disk.crowded", "keeps a disk so busy that others wait"},
    Phrase{"disk.saturated", "is busy all the time"},
    Phrase{"disk.slow", "answers slowly"},
    Phrase{"disk.failing", "fails requests"},
    Phrase{"disk.worn", "is nearly worn out"},
    Phrase{"array.degraded", "lacks a disk"},
    Phrase{"array.inconsistent", "has halves that differ"},
    Phrase{"memory.exhaustion", "runs out of memory"},
    Phrase{"memory.oom_killed", "had to kill for want of memory"},
    Phrase{"memory.kernel_leak", "has a kernel that keeps memory"},
    Phrase{"memory.node_exhaustion", "has a full memory node"},
    Phrase{"cpu.saturated", "has no CPU time left"},
    Phrase{"cpu.stolen", "gets too little of its CPUs"},
    Phrase{"cpu.interrupts", "has a CPU that only handles interrupts"},
    Phrase{"io.stalled", "waits for its disks"},
    Phrase{"upstream.losing", "is reached late and only in part"},
    Phrase{"network.errors", "loses packets to errors"},
    Phrase{"network.dropping", "drops packets"},
    Phrase{"network.losing", "has to send much again"},
    Phrase{"network.flapping", "loses and regains its link"},
    Phrase{"network.link_down", "lost its link"},
    Phrase{"network.link_slow", "agreed on a slow link"},
    Phrase{"network.saturated", "is full"},
    Phrase{"network.gateway_unreachable", "does not reach its gateway"},
    Phrase{"network.accept_queue_full", "turns connections away"},
    Phrase{"network.syn_flood", "gets more connection requests than it can take"},
    Phrase{"network.tcp_memory", "runs out of memory for connections"},
    Phrase{"network.ports_exhausted", "runs out of local ports"},
    Phrase{"network.udp_dropping", "drops datagrams"},
    Phrase{"network.conntrack_full", "has a full connection table"},
    Phrase{"network.neighbours_full", "has a full table of neighbours"},
    Phrase{"network.backlog_full", "takes packets too slowly from its cards"},
    Phrase{"limit.files", "runs out of open files"},
    Phrase{"limit.processes", "runs out of processes"},
    Phrase{"limit.nearly_reached", "comes near a limit of the kernel"},
    Phrase{"kernel.fault", "has a fault in its kernel"},
    Phrase{"kernel.lockup", "has a CPU that hangs in the kernel"},
    Phrase{"kernel.entropy", "has little entropy"},
    Phrase{"clock.off", "has a clock that is off"},
    Phrase{"clock.unsynchronized", "has lost its time service"},
    Phrase{"hardware.overheating", "is too hot"},
    Phrase{"hardware.fan_stopped", "has a fan that stands"},
    Phrase{"hardware.memory_failing", "has memory that fails"},
    Phrase{"hardware.cpu_failing", "has a CPU that fails"},
    Phrase{"http.errors", "answers with errors"},
    Phrase{"http.slow", "answers slowly"},
    Phrase{"check.failing", "fails its check"},
    Phrase{"check.slow", "answers its check slowly"},
    Phrase{"scrape.failing", "does not show its series"},
    Phrase{"certificate.expiring", "ends soon"},
    Phrase{"certificate.expired", "has ended"},
    Phrase{"database.refusing", "turns its clients away"},
    Phrase{"log.errors", "logs errors"},
    Phrase{"agent.blind", "does not see everything"},
    Phrase{"agent.over_budget", "costs too much"},
};

}  // namespace

std::string_view phrase_of(std::string_view incident_kind) {
  const auto known = std::ranges::find(kPhrases, incident_kind, &Phrase::kind);
  return known == kPhrases.end() ? std::string_view() : known->text;
}

}  // namespace hostmedic::detect
