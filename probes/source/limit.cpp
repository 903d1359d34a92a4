// SPDX-License-Identifier: Apache-2.0
#include "probes/source/limit.h"

#include "detect/model/names.h"

namespace hostmedic {

void LimitSeries::emit(std::optional<double> usage, std::optional<double> maximum, Sink& sink) {
  const auto one = [&](SeriesId& series, const MetricInfo& metric, std::optional<double> value) {
    if (value && series == kNoSeries) series = sink.series(sink.entity(EntityKind::host, ""), metric, attributes_);
    sink.sample(series, value);
  };
  if (maximum && *maximum >= kNoLimit) maximum = std::nullopt;
  std::optional<double> utilization;
  if (usage && maximum && *maximum > 0) utilization = *usage / *maximum;
  one(usage_, metric::kLimitUsage, usage);
  one(maximum_, metric::kLimitMaximum, maximum);
  one(utilization_, metric::kLimitUtilization, utilization);
}

}  // namespace hostmedic
