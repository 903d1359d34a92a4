// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/latency.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace hostmedic::bpf {

void Latencies::add(const hm_latency& now, const hm_latency* before) {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    // The kernel's counters are narrow and go round.
    counts_[i] += static_cast<std::uint32_t>(now.buckets[i] - (before != nullptr ? before->buckets[i] : 0));
  }
}

std::uint64_t Latencies::count() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

std::optional<double> Latencies::quantile(double q) const {
  const std::uint64_t all = count();
  if (all == 0) return std::nullopt;
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(all);
  double below = 0;
  std::size_t i = 0;
  while (i + 1 < counts_.size() && below + static_cast<double>(counts_[i]) < wanted) {
    below += static_cast<double>(counts_[i]);
    ++i;
  }
  const double here = static_cast<double>(counts_[i]);
  const double share = here > 0 ? (wanted - below) / here : 0;
  return std::exp2(static_cast<double>(i) + share) * 1e-6;
}

}  // namespace hostmedic::bpf
