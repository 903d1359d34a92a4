// SPDX-License-Identifier: Apache-2.0
// The series that one exporter shows, as series of ours: those whose name is allowed, up to a bound. Names stay as the
// exporter writes them, labels become attributes. A text with the series of before allocates nothing. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "probes/openmetrics/exposition.h"
#include "probes/probe.h"

namespace hostmedic {

class Published {
 public:
  static constexpr std::size_t kMostSeries = 200;

  explicit Published(std::vector<std::string> allow) : allow_(std::move(allow)) {}
  struct Counts {
    std::size_t taken = 0, left_out = 0, malformed = 0;  // left out: allowed, but past the bound
  };
  // Samples what the text shows; what it showed before and does not show now is unknown.
  Counts show(std::string_view text, EntityId entity, Sink& sink);
  // Nothing was shown: all are unknown.
  void unknown(Sink& sink);

 private:
  struct Known {
    SeriesId series = kNoSeries;
    std::uint64_t shown = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Known* find(const ExposedSample& sample, EntityId entity, Sink& sink, Counts& counts);

  const std::vector<std::string> allow_;
  // By "name{labels" as it stands in the text; what is not allowed has the id kNoSeries.
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;
  std::size_t taken_ = 0;
  std::uint64_t round_ = 0;
};

}  // namespace hostmedic
