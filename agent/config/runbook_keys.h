// SPDX-License-Identifier: Apache-2.0
// The rows of a runbook's keys. Internal to config/.
#pragma once

#include "actions/runbook/runbook.h"
#include "agent/config/key.h"

namespace hostmedic {

std::span<const Key<Runbook>> runbook_keys();
std::span<const Key<Requirement>> requirement_keys();
std::span<const Key<Step>> step_keys();
std::span<const Key<Check>> check_keys();

}  // namespace hostmedic
