// SPDX-License-Identifier: Apache-2.0
// The rows of the aggregator's keys. Internal to config/.
#pragma once

#include "agent/config/aggregator_config.h"
#include "agent/config/key.h"

namespace hostmedic {

std::span<const Key<AggregatorConfig>> aggregator_keys();

}  // namespace hostmedic
