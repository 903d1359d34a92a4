// SPDX-License-Identifier: Apache-2.0
// Continues the table of names.h: names that only the probe of the services writes, and the text of rules reads.
// Whoever includes names.h need not know them. Constants; any thread.
#pragma once

#include "detect/model/series.h"

namespace hostmedic::metric {

// clang-format off
inline constexpr MetricInfo kServiceUptime{"hostmedic.service.uptime", Unit::seconds, Instrument::gauge, "How long the unit is active without a break, as far as it was seen; 0 when it is not; a reload is no break"};
inline constexpr MetricInfo kJobTime{"hostmedic.service.run.time", Unit::seconds, Instrument::gauge, "How long the run of a oneshot that is under way lasts, as far as it was seen; 0 between runs; absent until a run took a second"};
inline constexpr MetricInfo kJobUsual{"hostmedic.service.run.usual", Unit::seconds, Instrument::gauge, "How long the longest of its last eight runs took that ended well; absent before the third"};
// clang-format on

}  // namespace hostmedic::metric
