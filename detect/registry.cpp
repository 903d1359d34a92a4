// SPDX-License-Identifier: Apache-2.0
#include "detect/detectors.h"

namespace hostmedic::detect {

namespace {
constexpr const DetectorInfo* kDetectors[] = {
    &above_for, &below_for,    &rate_above, &exhaustion, &zscore, &robust_zscore, &baseline_percentile,
    &seasonal,  &change_point, &bocpd,      &tail,       &leak,   &stuck};
}  // namespace

std::string_view to_string(Departure departure) {
  switch (departure) {
    case Departure::none: return "";
    case Departure::spike: return "it jumped";
    case Departure::level_shift: return "it jumped and stays";
    case Departure::trend: return "it drifted there";
    case Departure::season: return "it would be usual at another time";
    case Departure::stuck: return "it stands still";
  }
  return "";
}

std::span<const DetectorInfo* const> all_detectors() { return kDetectors; }

const DetectorInfo* find_detector(std::string_view name) {
  for (const DetectorInfo* info : kDetectors)
    if (info->name == name) return info;
  return nullptr;
}

}  // namespace hostmedic::detect
