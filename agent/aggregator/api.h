// SPDX-License-Identifier: Apache-2.0
// The JSON answers of the page. Called on the store's thread.
#pragma once

#include <string>

#include "agent/aggregator/query.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

Result<std::string> hosts_json(FleetStore& store, WallTime now, Duration silent_after);
// malformed for a parameter that cannot be understood.
Result<std::string> incidents_json(FleetStore& store, const Target& target, WallTime now);
// id: what follows /api/incidents/ in the path.
Result<std::string> incident_json(FleetStore& store, const std::string& id, const Target& target, WallTime now);

}  // namespace hostmedic
