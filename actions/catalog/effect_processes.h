// SPDX-License-Identifier: Apache-2.0
// The processes of the host as effects need them: who is in a unit or a group, how much each takes, and ending one for
// certain. Reads procfs at the root given. No state; end_process() blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct ProcessSeen {
  int pid = 0, parent = 0;
  char state = '?';           // as ps prints it
  std::string name;           // the kernel's name for it, printable
  std::uint64_t started = 0;  // clock ticks since boot; with pid it names one process
  std::uint64_t cpu_ticks = 0, threads = 0;
  int nice = 0;
};
bool is_dead(const ProcessSeen& process);  // ended, and only its parent has not asked yet

// All but the kernel's own threads, at most 65,536, by pid.
std::vector<ProcessSeen> list_processes(const std::string& proc);
std::optional<ProcessSeen> read_process(const std::string& proc, int pid);
// The systemd unit that it belongs to, "nginx.service" or "docker-ID.scope"; empty: none.
std::string unit_of_process(const std::string& proc, int pid);
// Bytes that its end gives back: anonymous memory, also what is swapped out.
std::optional<std::uint64_t> memory_of(const std::string& proc, int pid);
// Open descriptors. Needs CAP_DAC_READ_SEARCH for processes of other users.
std::optional<std::uint64_t> descriptors_of(const std::string& proc, int pid);

// "pid 312 (app)"
std::string words_of(const ProcessSeen& process);

// A handle of exactly this process. not_found: it is gone, or its number is another's now.
Result<Fd> open_process(const std::string& proc, const ProcessSeen& process);

struct EndedProcess {
  bool killed = false;  // it did not end by itself within the grace
  Duration took{};
};
// SIGTERM, after the grace SIGKILL, and waits until it has really ended and its memory is free. timeout: it did not
// within `most`.
Result<EndedProcess> end_process(const std::string& proc, const ProcessSeen& process, Duration grace, Duration most);

}  // namespace hostmedic
