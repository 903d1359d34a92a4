// SPDX-License-Identifier: Apache-2.0
// One thing of which the kernel allows the whole host only so much: how much is used, how much there may be, and the
// ratio, so that one rule can watch all of them. One thread.
#pragma once

#include <optional>
#include <string_view>

#include "probes/probe.h"

namespace hostmedic {

// Where a count has no limit the kernel says a number that nothing reaches; then only the usage is told.
inline constexpr double kNoLimit = 9e18;

class LimitSeries {
 public:
  // attributes: "resource=NAME", must outlive this.
  explicit LimitSeries(std::string_view attributes) : attributes_(attributes) {}

  // Nothing for a value that never was known; unknown for one that no longer is. A limit of 0 has no ratio.
  void emit(std::optional<double> usage, std::optional<double> maximum, Sink& sink);

 private:
  std::string_view attributes_;
  SeriesId usage_ = kNoSeries, maximum_ = kNoSeries, utilization_ = kNoSeries;
};

}  // namespace hostmedic
