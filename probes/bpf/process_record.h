// SPDX-License-Identifier: Apache-2.0
// Checks and translates what process.bpf.c hands over. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "detect/model/frame.h"

namespace hostmedic::bpf {

// Another task that had to do with it; empty when it is not known or not ours to tell of.
struct Party {
  std::uint32_t pid = 0;
  std::string name, unit;
};

struct ProcessEvent {
  EventKind kind{};  // process_exec, process_exit, fatal_signal or oom_kill
  MonoTime at;
  MonoTime started;       // the epoch when unknown
  std::uint32_t pid = 0;  // 0: not in our pid namespace
  std::uint32_t parent_pid = 0;
  bool by_signal = false;
  int status = 0;    // exit code, or number of the signal
  std::string name;  // printable; empty when unknown
  std::string unit;  // systemd unit, empty when unknown

  // process_exec.
  std::string path, parent;  // as it was called; the name of the parent
  std::uint32_t uid = 0;

  Party by;                       // who sent the signal, or asked for the memory
  std::string_view signal_cause;  // fatal_signal: process, itself, kernel
  // oom_kill: the control group that is at its limit. Empty: the whole host is short of memory, or it is not known.
  std::string limited;
  std::uint64_t limit_bytes = 0;
};

// nullopt for a record that our program cannot have written.
std::optional<ProcessEvent> decode_process_record(std::span<const std::byte> record);
// The event's attributes, as names.h has them.
std::vector<Attribute> process_attributes(const ProcessEvent& event);

}  // namespace hostmedic::bpf
