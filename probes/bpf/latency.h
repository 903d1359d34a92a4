// SPDX-License-Identifier: Apache-2.0
// What a histogram of the programs says: durations in powers of two of a microsecond. Plain value; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "probes/bpf/record/latency.h"

namespace hostmedic::bpf {

class Latencies {
 public:
  // What was counted between two readings of one row; before: nullptr for a row that is new.
  void add(const hm_latency& now, const hm_latency* before);
  std::uint64_t count() const;
  // Seconds below which the share q (0..1) of them was; between the borders of a bucket as if they were spread evenly
  // over the logarithm, so it is wrong by less than a factor of two. nullopt when there are none.
  std::optional<double> quantile(double q) const;

 private:
  std::array<std::uint64_t, HM_LATENCY_BUCKETS> counts_{};
};

}  // namespace hostmedic::bpf
