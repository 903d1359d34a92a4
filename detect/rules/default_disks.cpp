// SPDX-License-Identifier: Apache-2.0
#include "detect/model/names.h"
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr DefaultCondition kFilesystems[] = {
    {"filesystem-little-left",
     "system.filesystem.usage{system.filesystem.state=free} < 256MiB clear above 512MiB and "
     "system.filesystem.limit > 8GiB for 10s",
     "filesystem.filling", Severity::error, 0.9,
     "a percentage says little of a large filesystem; 256 MiB are gone within seconds. Small ones are full by design"},
    {"inodes-full", "hostmedic.filesystem.inodes.utilization > 97% margin 1% for 5s", "filesystem.inodes_filling",
     Severity::critical, 0.95, "3% left: the next unpacked archive fails"},
};

constexpr DefaultCondition kDisks[] = {
    {"disk-slow",
     "any(system.disk.operation_time / system.disk.operations > 500ms and system.disk.operations > 2/s) for 2m "
     "clear after 30s",
     "disk.slow", Severity::warning, 0.7,
     "a request takes half a second on average: ten times a loaded hard disk. Few requests say little"},
    {"disk-latency-tail",
     "hostmedic.disk.latency.p99{disk.io.direction=read} > 1s and "
     "hostmedic.disk.requests{disk.io.direction=read} > 5/s for 1m clear after 30s",
     "disk.slow", Severity::warning, 0.6, "one read of a hundred takes a second: retries of a failing disk look so"},
    {"disk-backlog", "avg(hostmedic.disk.queue.time, 10m) > 64 and system.disk.io_time > 95%", "disk.saturated",
     Severity::info, 0.5, "64 requests wait for ten minutes; arrays take that in their stride, so it only supports",
     "*", false},
    {"disk-request-errors", "delta(sum(hostmedic.disk.errors{error.type!=no_space}), 10m) > 2", "disk.failing",
     Severity::error, 0.8,
     "sound disks fail no requests; three in ten minutes are not one bad cable touch. Thin volumes that are full are "
     "another matter"},
    {"disk-crowded",
     "hostmedic.service.pressure.stall.time{resource=io,kind=some} > 20% and sum(process.disk.io) > 1MiB/s and "
     "sum(process.disk.io) / sum(process.disk.io@\"service:*\") > 60% and "
     "any(system.disk.io_time@\"block_device:*\" > 95% and hostmedic.disk.queue.time@\"block_device:*\" > 16) and "
     "count(hostmedic.service.pressure.stall.time{resource=io,kind=full}@\"service:*\" > 50%) >= 2 "
     "clear after 10s",
     "disk.crowded", Severity::warning, 0.85,
     "a busy disk alone is well used. Here sixteen requests wait at a time, two services do hardly anything else than "
     "wait, and one of them moves most of the data: three sources that agree, each of them a mean of 2 to 10 s",
     "service:*"},
    {"disk-worn", "hostmedic.disk.wear > 90%", "disk.worn", Severity::warning, 0.9,
     "nine tenths of what the maker promises are written: order the next one"},
    {"array-degraded", "hostmedic.array.disks.missing > 0 for 10s", "array.degraded", Severity::error, 0.95,
     "no more redundancy: the next disk that fails takes the data with it"},
    {"array-mismatches", "hostmedic.array.mismatches > 1024", "array.inconsistent", Severity::warning, 0.5,
     "halves of a mirror differ; swap on a mirror makes a few of them, not a thousand"},
};

constexpr DefaultEvent kEvents[] = {
    {"filesystem-read-only",
     EventKind::mount_changed,
     attr::kMountAction,
     "read_only",
     "filesystem.read_only",
     Severity::error,
     0.8,
     {},
     "it was writable and is not: what writes to it fails. A human may have meant it",
     "read_write|mounted|unmounted"},
    {"filesystem-silent",
     EventKind::mount_changed,
     attr::kMountAction,
     "unreachable",
     "filesystem.unreachable",
     Severity::error,
     0.9,
     {},
     "it did not say within five seconds how full it is: a server that restarts is back by then. All that uses it "
     "hangs",
     "reachable|mounted|unmounted|replaced"},
    {"filesystem-damaged", EventKind::filesystem_error, attr::kFilesystemErrorKind, "damage", "filesystem.damaged",
     Severity::critical, 0.95, hours(1), "the kernel found structures that contradict each other"},
    {"filesystem-shut-down", EventKind::filesystem_error, attr::kFilesystemErrorKind, "shutdown", "filesystem.damaged",
     Severity::critical, 0.95, hours(1), "the filesystem stopped itself after an error"},
    {"filesystem-write-lost", EventKind::filesystem_error, attr::kFilesystemErrorKind, "writeback", "disk.failing",
     Severity::error, 0.9, minutes(30), "data that programs believe written did not reach the device"},
    {"kernel-filesystem-error", EventKind::kernel_message, attr::kKernelPattern, "filesystem_error",
     "filesystem.damaged", Severity::critical, 0.9, hours(1), "the kernel says so itself"},
    {"kernel-remounted", EventKind::kernel_message, attr::kKernelPattern, "remount_read_only", "filesystem.read_only",
     Severity::critical, 0.95, hours(1), "made read-only to save what is there"},
    {"kernel-io-error", EventKind::kernel_message, attr::kKernelPattern, "io_error", "disk.failing", Severity::error,
     0.7, minutes(10), "one may be a removed medium; with others it is a disk that dies"},
    {"kernel-medium-error", EventKind::kernel_message, attr::kKernelPattern, "medium_error", "disk.failing",
     Severity::error, 0.9, hours(1), "the disk itself says that it cannot read a place"},
    {"kernel-disk-offline", EventKind::kernel_message, attr::kKernelPattern, "disk_offline", "disk.failing",
     Severity::error, 0.9, minutes(10), "requests to a disk that is gone"},
    {"kernel-disk-reset", EventKind::kernel_message, attr::kKernelPattern, "ata_reset", "disk.failing",
     Severity::warning, 0.6, minutes(10), "cables and power do that too; requests hang for seconds meanwhile"},
    {"kernel-nvme-reset", EventKind::kernel_message, attr::kKernelPattern, "nvme_reset", "disk.failing",
     Severity::warning, 0.7, minutes(10), "the controller did not answer for thirty seconds"},
    {"kernel-array-degraded", EventKind::kernel_message, attr::kKernelPattern, "array_degraded", "array.degraded",
     Severity::error, 0.95, minutes(10), "the kernel threw a disk out of an array"},
    {"kernel-nfs-lost", EventKind::kernel_message, attr::kKernelPattern, "nfs_not_responding", "filesystem.unreachable",
     Severity::error, 0.8, minutes(5), "all that uses the mount hangs; the kernel repeats it while it lasts"},
    {"array-state",
     EventKind::hardware_fault,
     attr::kHardwareState,
     "degraded*",
     "array.degraded",
     Severity::error,
     0.95,
     {},
     "the array's own state, told at once",
     "healthy"},
    {"disk-state",
     EventKind::hardware_fault,
     attr::kHardwareState,
     "offline",
     "disk.failing",
     Severity::error,
     0.9,
     {},
     "the kernel gave the disk up",
     "running|live"},
};

}  // namespace

void add_disks(EngineConfig& ret_config) {
  add(kFilesystems, ret_config);
  add(kDisks, ret_config);
  add(kEvents, ret_config);
}

}  // namespace hostmedic::detect
