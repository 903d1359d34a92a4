// SPDX-License-Identifier: Apache-2.0
#include "detect/detectors.h"

namespace hostmedic::detect {

namespace {
constexpr const DetectorInfo* kDetectors[] = {&above_for, &below_for, &rate_above, &exhaustion, &zscore};
}  // namespace

std::span<const DetectorInfo* const> all_detectors() { return kDetectors; }

const DetectorInfo* find_detector(std::string_view name) {
  for (const DetectorInfo* info : kDetectors)
    if (info->name == name) return info;
  return nullptr;
}

}  // namespace hostmedic::detect
