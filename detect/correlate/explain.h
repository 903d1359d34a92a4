// SPDX-License-Identifier: Apache-2.0
// Plain words with the numbers: evidence, summary and diagnosis. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "detect/correlate/signal.h"
#include "detect/model/host_view.h"

namespace hostmedic::detect {

// "71%", "20.0MiB/s", "3.2/s"
std::string format_value(double value, Unit unit);

// "filesystem:/srv is 71% full and grows 2.0%/s: full in 14s"
std::string explain_series(const SignalRule& rule, const Entity& entity, const Signal& signal);
// "nginx.service is failed: result signal, status 9"
std::string explain_event(const Entity& entity, const Event& event);
// "filesystem:/srv is filling up, since 2026-11-21T02:18:53.120Z"
std::string summarize(std::string_view incident_kind, const Entity& root, WallTime since);
// "is filling up"; empty for a kind that is not the agent's own.
std::string_view phrase_of(std::string_view incident_kind);
// The file and its writer as one clause, "/srv/app.log grows 20.0MiB/s, 96% of the growth; app.service writes it".
std::string explain_growth(const Event& growth);

}  // namespace hostmedic::detect
