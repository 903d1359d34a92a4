// SPDX-License-Identifier: Apache-2.0
// The answer to the control socket's verb `incident`, beyond the records: what happened before, and what was recorded.
// Pure; any thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "agent/recorder/traces.h"
#include "agent/store/similar.h"

namespace hostmedic {

// {likeness, count, read, untreated_resolved, incidents: [{id, root, state, opened_at_unix_nano, lasted_nano|null,
// summary, treated}], treatments: [{what, given, proved}]}
boost::json::object similar_json(const SimilarCases& cases);
// [{entity, signal, unit, points: [[unix_ms, value]]}], counters as rates.
boost::json::array traces_json(const std::vector<Trace>& traces);

}  // namespace hostmedic
