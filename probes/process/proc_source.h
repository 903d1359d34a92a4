// SPDX-License-Identifier: Apache-2.0
// Processes from the process tree as text, for where the kernel does not let us walk its tasks. Reading all of them
// costs some ten microseconds each and more with every file, so each sweep reads a bounded number in turn: those that
// are new, then those that used a CPU when they were last read, then the rest. On a small host that is everybody each
// time; among thousands a process that sleeps is looked at once in a minute or two. One thread.
//
// Less than the other source tells: memory as stat has it (on many CPUs some MiB off), switches and run-queue delay
// only of processes with one thread, bytes only where the kernel lets us read them, descriptors where the kernel counts
// them itself, and processes by state as they were when last read.
#pragma once

#include <memory>

#include "probes/process/source.h"

namespace hostmedic::process {

inline constexpr std::size_t kStatsPerSweep = 64;  // at most; one file each
inline constexpr std::size_t kFullPerSweep = 4;    // of these with all their files

// proc must stay open longer than the source.
std::unique_ptr<ProcessSource> make_proc_source(int proc);

}  // namespace hostmedic::process
