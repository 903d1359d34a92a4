// SPDX-License-Identifier: Apache-2.0
// The text of `hostmedic incidents`. Pure; any thread.
#pragma once

#include <boost/json/array.hpp>
#include <string>

#include "agent/ctl/terminal.h"
#include "detect/model/incident.h"

namespace hostmedic {

// Suspicions come last; what another incident explains only with all.
std::string render_incidents(const boost::json::array& incidents, const Look& look, bool all);
Tone tone_of(Severity severity);
Tone tone_of(IncidentState state);

}  // namespace hostmedic
