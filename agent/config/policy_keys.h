// SPDX-License-Identifier: Apache-2.0
// The rows of the policy's keys. Internal to config/.
#pragma once

#include "actions/guard/guard.h"
#include "agent/config/key.h"

namespace hostmedic {

// [[exclusion]] as it is written.
struct ExclusionText {
  std::string name;
  std::vector<std::string> days = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  std::string from = "00:00", to = "24:00";
  std::string entity = "*";
};

std::span<const Key<guard::Policy>> policy_keys();
std::span<const Key<guard::TierRule>> tier_keys();
std::span<const Key<ExclusionText>> exclusion_keys();

}  // namespace hostmedic
