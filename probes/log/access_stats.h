// SPDX-License-Identifier: Apache-2.0
// What the access log of an HTTP server says, as series: requests by class of status, bytes, and how long requests
// took. Bounded and of a fixed size. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "probes/parse/access_log.h"
#include "probes/probe.h"

namespace hostmedic::log {

// Counts durations from 1 us to about 2 h in buckets that are 9 % wide, so that a quantile is right to 5 %.
class DurationBuckets {
 public:
  void add(double seconds, double weight);
  // In seconds; 0 < share <= 1. Of nothing it is 0.
  double quantile(double share) const;
  bool empty() const { return sum_ == 0; }
  void clear() { *this = {}; }

 private:
  static constexpr int kPerOctave = 8, kOctaves = 33;
  std::array<float, kPerOctave * kOctaves> buckets_{};
  double sum_ = 0;
};

class AccessStats {
 public:
  // file: an attribute of every series.
  AccessStats(EntityId entity, const std::string& file);
  void add(const AccessRecord& record, double weight);
  // Counts; every second.
  void sample_counts(Sink& sink);
  // Durations since the last call; says nothing when there were none.
  void sample_durations(Sink& sink);

 private:
  struct Counted {
    double value = 0;
    SeriesId series = kNoSeries;
  };
  EntityId entity_;
  std::string file_;  // as an attribute
  std::array<Counted, 5> by_class_{};
  Counted bytes_;
  DurationBuckets durations_;
  SeriesId p50_ = kNoSeries, p99_ = kNoSeries;
};

}  // namespace hostmedic::log
