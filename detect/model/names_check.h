// SPDX-License-Identifier: Apache-2.0
// Continues the table of names.h: names that only the active checks write, and the text of rules reads. Whoever
// includes names.h need not know them. Constants; any thread.
#pragma once

#include "detect/model/series.h"

namespace hostmedic::metric {

// clang-format off
inline constexpr MetricInfo kCheckSilent{"hostmedic.check.silent", Unit::count, Instrument::gauge, "How often in a row nothing at all came back within the check's time, by check.id; what was refused, and a wrong answer, are no silence"};
inline constexpr MetricInfo kCheckFailures{"hostmedic.check.failures", Unit::count, Instrument::gauge, "How many answers in a row were not as they should be, by check.id; after the first one the question is asked again at once"};
// clang-format on

}  // namespace hostmedic::metric
