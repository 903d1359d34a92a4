// SPDX-License-Identifier: Apache-2.0
// Continues the table of names.h: names that only the probe of the services writes, and the text of rules reads. Whoever
// includes names.h need not know them. Constants; any thread.
#pragma once

#include "detect/model/series.h"

namespace hostmedic::metric {

// clang-format off
inline constexpr MetricInfo kServiceUptime{"hostmedic.service.uptime", Unit::seconds, Instrument::gauge, "How long the unit is active without a break, as far as it was seen; 0 when it is not; a reload is no break"};
// clang-format on

}  // namespace hostmedic::metric
