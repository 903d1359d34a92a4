// SPDX-License-Identifier: Apache-2.0
// The compiled-in detectors. A new one is a declaration here, a line in registry.cpp and a file of its own.
#pragma once

#include "detect/detector.h"

namespace hostmedic::detect {

extern const DetectorInfo above_for;   // rules/threshold.cpp
extern const DetectorInfo below_for;   // rules/threshold.cpp
extern const DetectorInfo rate_above;  // rules/rate_above.cpp
extern const DetectorInfo exhaustion;  // univariate/exhaustion.cpp
extern const DetectorInfo zscore;      // univariate/zscore.cpp

}  // namespace hostmedic::detect
