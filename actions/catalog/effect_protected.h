// SPDX-License-Identifier: Apache-2.0
// What an effect picks itself, or acts on beside its target, is subject to the same lists as the target. Any thread.
#pragma once

#include <string>

#include "actions/guard/guard.h"

namespace hostmedic {

// Why the entity may not be touched, by the built-in list or by the policy's. Empty: it may.
std::string why_untouchable(const Entity& entity, const guard::Policy& policy);

}  // namespace hostmedic
