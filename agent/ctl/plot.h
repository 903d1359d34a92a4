// SPDX-License-Identifier: Apache-2.0
// An incident as a drawing: a lane for each recorded signal with what is usual shaded, and what happened as numbered
// marks on one axis of time, counted from the fault. Depends on its argument only. Pure; any thread.
#pragma once

#include <string>

#include "agent/ctl/case_file.h"

namespace hostmedic {

inline constexpr std::size_t kMostLanes = 8, kMostMarks = 20;

// A whole SVG document, 1000 pixels wide, for light and dark.
std::string plot_svg(const CaseFile& file);

}  // namespace hostmedic
