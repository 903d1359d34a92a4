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

// univariate/<name>.cpp
extern const DetectorInfo robust_zscore;
extern const DetectorInfo baseline_percentile;
extern const DetectorInfo seasonal;
extern const DetectorInfo change_point;
extern const DetectorInfo bocpd;
extern const DetectorInfo tail;
extern const DetectorInfo leak;
extern const DetectorInfo stuck;

}  // namespace hostmedic::detect
