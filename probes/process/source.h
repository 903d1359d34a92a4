// SPDX-License-Identifier: Apache-2.0
// Where processes are read from: the kernel's own walk over its tasks (probes/bpf/sweep_source.h), or the process tree
// as text (proc_source.h) where that is not allowed. Both tell the same records. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic::process {

// What a process has counted since it began, over all its threads. Times in nanoseconds.
enum class Counter : std::uint8_t {
  user_time,
  system_time,
  run_delay,  // waiting for a CPU; of living threads only, so it falls when one ends
  minor_faults,
  major_faults,
  read_bytes,  // from and to disks
  written_bytes,
  voluntary_switches,
  involuntary_switches,
};
inline constexpr std::size_t kCounters = 9;
enum class Gauge : std::uint8_t { threads, rss_bytes, swap_bytes, descriptors, zombies };  // zombies: 1 of one
inline constexpr std::size_t kGauges = 5;

constexpr std::uint32_t bit(Counter counter) { return 1U << static_cast<unsigned>(counter); }
constexpr std::uint32_t bit(Gauge gauge) { return 1U << (kCounters + static_cast<unsigned>(gauge)); }
inline constexpr std::uint32_t kAllKnown = (1U << (kCounters + kGauges)) - 1;

struct ProcessRecord {
  std::uint32_t pid = 0, parent_pid = 0, uid = 0;  // pids as our own namespace numbers them
  char state = '?';                                // as ps prints it: R S D T t Z I
  bool kernel = false;                             // a thread of the kernel's own
  Duration started{};                              // since boot; with pid it names one process
  std::uint64_t group = 0;                         // of its control group; 0: not known. Only good for comparing.
  std::array<std::uint64_t, kCounters> counters{};
  std::array<std::uint64_t, kGauges> gauges{};
  std::uint32_t known = 0;  // bits of the counters and gauges that were read; the others say nothing
  Duration blocked{};       // how long it has been in state D
  std::array<char, 16> name{};

  std::uint64_t& operator[](Counter counter) { return counters[static_cast<std::size_t>(counter)]; }
  std::uint64_t& operator[](Gauge gauge) { return gauges[static_cast<std::size_t>(gauge)]; }
  std::uint64_t operator[](Counter counter) const { return counters[static_cast<std::size_t>(counter)]; }
  std::uint64_t operator[](Gauge gauge) const { return gauges[static_cast<std::size_t>(gauge)]; }
  std::string_view executable() const {
    const std::string_view all(name.data(), name.size());
    return all.substr(0, all.find('\0'));
  }
};

// Of all processes, whether they were told or not.
struct HostTasks {
  std::uint64_t running = 0, sleeping = 0, blocked = 0, stopped = 0, zombie = 0, idle = 0;  // processes by state
  std::uint64_t threads = 0;
  std::uint64_t blocked_threads = 0;  // in state D
  Duration longest_blocked{};         // 0: none
  std::uint64_t processes() const { return running + sleeping + blocked + stopped + zombie + idle; }
};

class ProcessVisitor {
 public:
  virtual ~ProcessVisitor() = default;
  virtual void process(const ProcessRecord& record) = 0;
  virtual void alive(std::uint32_t pid) = 0;  // it lives, and there is nothing new about it
};

struct Sweep {
  HostTasks tasks;
  bool complete = false;  // who was told in neither way has ended
};

class ProcessSource {
 public:
  virtual ~ProcessSource() = default;
  // followed: how many processes the visitor knows; when there are not as many, the next sweep is a complete one.
  virtual Result<Sweep> sweep(MonoTime now, std::size_t followed, ProcessVisitor& visitor) = 0;
  virtual Duration interval() const = 0;
};

}  // namespace hostmedic::process
