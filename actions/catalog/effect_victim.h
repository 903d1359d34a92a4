// SPDX-License-Identifier: Apache-2.0
// Chooses the one process that an effect may end: inside its bounds, never one that is spared, and the smallest that
// suffices. No state; a choice by CPU time blocks for half a second.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/effect_processes.h"
#include "actions/guard/guard.h"

namespace hostmedic {

enum class Measure { memory, descriptors, threads, cpu };    // bytes, number, number, percent of one CPU
std::optional<Measure> measure_from(std::string_view text);  // "largest_memory", "most_fds", ...
std::string in_words(Measure measure, std::uint64_t value);  // "1.2GiB of memory", "812 descriptors"

// Who is spared, as text that goes through a command line: the policy's protected entities.
std::string spare_text(const guard::Policy& policy);
// Why the process may not be touched: the built-in list, the programs that keep a host reachable, the text above.
// Empty: it may.
std::string why_spared(const ProcessSeen& process, std::string_view unit, std::string_view spare);

struct VictimQuery {
  std::string unit, name;  // bounds: of this unit, of this name; empty: of any
  int pid = 0;             // exactly this one
  std::string spare;       // spare_text()
  Measure by = Measure::memory;
  std::uint64_t least = 0;  // it must take at least so much
  std::uint64_t need = 0;   // the smallest that takes so much, or else the largest; 0: the largest
  double least_share = 0;   // of what all within the bounds take together
};
struct Victim {
  ProcessSeen process;
  std::string unit;
  std::uint64_t value = 0;  // by the measure
  double share = 0;         // of all within the bounds, 0..1
  std::size_t others = 0;   // within the bounds
};
// not_found: nobody is within the bounds; denied: those who are, are spared; limit: nobody takes enough; unsupported:
// it cannot be measured from here.
Result<Victim> find_victim(const std::string& proc, const VictimQuery& query);

}  // namespace hostmedic
