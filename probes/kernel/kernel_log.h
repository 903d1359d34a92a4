// SPDX-License-Identifier: Apache-2.0
// Turns lines of the kernel's log into events and counts, for whoever reads the log: /dev/kmsg here, or the journal's
// kernel transport. Every match is counted; of each pattern at most kMostPerWindow in kWindow become events, and what
// was held back is counted too. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "probes/kernel/patterns.h"
#include "probes/probe.h"

namespace hostmedic {

class KernelLog {
 public:
  static constexpr std::uint64_t kMostPerWindow = 5;
  static constexpr Duration kWindow = std::chrono::minutes(1);
  static constexpr std::size_t kMostEntities = 64;  // devices that are spoken of by name; further ones as the host
  static constexpr std::size_t kMostTextBytes = 200;

  // One line of the facility "kern", without time stamp and level; at: when it was written.
  void line(std::string_view text, MonoTime at, Sink& sink);
  // The counts so far: every read.
  void sample(Sink& sink);
  // Lines that were overwritten or discarded before anyone could read them.
  void lost(std::uint64_t lines) { lost_ += lines; }

 private:
  struct Pattern {
    std::uint64_t matched = 0;
    MonoTime window;
    std::uint64_t in_window = 0;
    SeriesId series = kNoSeries;
  };
  EntityId entity_of(const KernelMatch& match, Sink& sink);
  bool may_tell(Pattern& pattern, MonoTime at) const;

  std::array<Pattern, kKernelPatternCount> patterns_{};
  std::set<std::string> devices_;  // that have an entity
  std::uint64_t lines_ = 0, held_back_ = 0, lost_ = 0;
  SeriesId lines_series_ = kNoSeries, held_back_series_ = kNoSeries, lost_series_ = kNoSeries;
};

}  // namespace hostmedic
