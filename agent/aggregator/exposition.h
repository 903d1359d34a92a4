// SPDX-License-Identifier: Apache-2.0
// The aggregator's own numbers in the Prometheus text format. Pure; any thread.
#pragma once

#include <string>

#include "agent/aggregator/receiver.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

std::string exposition(const FleetCounts& counts, const ReceiverStats& stats);

}  // namespace hostmedic
