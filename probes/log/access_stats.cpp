// SPDX-License-Identifier: Apache-2.0
#include "probes/log/access_stats.h"

#include <algorithm>
#include <cmath>

#include "detect/model/names.h"

namespace hostmedic::log {

void DurationBuckets::add(double seconds, double weight) {
  const double place = std::log2(std::max(seconds * 1e6, 1.0)) * kPerOctave;
  const auto index = std::min(static_cast<std::size_t>(place), buckets_.size() - 1);
  buckets_[index] += static_cast<float>(weight);
  sum_ += weight;
}

double DurationBuckets::quantile(double share) const {
  double left = share * sum_;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    left -= static_cast<double>(buckets_[i]);
    if (left <= 1e-9 * sum_ && sum_ > 0) return std::exp2((static_cast<double>(i) + 0.5) / kPerOctave) * 1e-6;
  }
  return 0;
}

AccessStats::AccessStats(EntityId entity, const std::string& file)
    : entity_(entity), file_(std::string(attr::kLogFilePath) + "=" + file) {}

void AccessStats::add(const AccessRecord& record, double weight) {
  by_class_[record.status / 100 - 1].value += weight;
  bytes_.value += static_cast<double>(record.bytes) * weight;
  if (record.seconds) durations_.add(*record.seconds, weight);
}

void AccessStats::sample_counts(Sink& sink) {
  for (std::size_t i = 0; i < by_class_.size(); ++i) {
    Counted& counted = by_class_[i];
    if (counted.series == kNoSeries) {
      const std::string status = "http.response.status_code=" + std::to_string(i + 1) + "xx,";
      counted.series = sink.series(entity_, metric::kHttpRequests, status + file_);
    }
    sink.sample(counted.series, counted.value);
  }
  if (bytes_.series == kNoSeries) bytes_.series = sink.series(entity_, metric::kHttpResponseBytes, file_);
  sink.sample(bytes_.series, bytes_.value);
}

void AccessStats::sample_durations(Sink& sink) {
  if (durations_.empty()) return;
  if (p50_ == kNoSeries) {
    p50_ = sink.series(entity_, metric::kHttpDurationP50, file_);
    p99_ = sink.series(entity_, metric::kHttpDurationP99, file_);
  }
  sink.sample(p50_, durations_.quantile(0.5));
  sink.sample(p99_, durations_.quantile(0.99));
  durations_.clear();
}

}  // namespace hostmedic::log
