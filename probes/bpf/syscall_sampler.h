// SPDX-License-Identifier: Apache-2.0
// Counts failing system calls during a window. Loads syscall_errors.bpf.c and owns it. One thread at a time. start()
// and stop() take about a quarter of a millisecond each, more with thousands of threads, because the kernel marks each;
// not for the thread that ticks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "probes/probe.h"

namespace hostmedic::bpf {

struct Failure {
  std::string unit;         // systemd unit; empty when it is none or not known
  std::string_view call;    // "open"; see syscall_kinds.h
  std::string_view error;   // "ENOSPC"
  std::uint64_t count = 0;  // in this window
};

struct FailureWindow {
  std::vector<Failure> failures;  // one row may be there several times, for control groups below one unit
  Duration length{};
  std::uint64_t dropped = 0;  // failures that found no room, since the start
};

class SyscallSampler {
 public:
  // Error unsupported with "not here, because ...".
  static Result<std::unique_ptr<SyscallSampler>> make(const ProbeContext& context);
  ~SyscallSampler();
  SyscallSampler(const SyscallSampler&) = delete;
  SyscallSampler& operator=(const SyscallSampler&) = delete;

  Status start();
  Result<FailureWindow> stop();

 private:
  struct Loaded;
  explicit SyscallSampler(std::unique_ptr<Loaded> loaded);
  std::unique_ptr<Loaded> loaded_;
  MonoTime started_;
};

}  // namespace hostmedic::bpf
