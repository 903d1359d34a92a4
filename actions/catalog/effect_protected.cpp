// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_protected.h"

#include "agent/base/text.h"

namespace hostmedic {

std::string why_untouchable(const Entity& entity, const guard::Policy& policy) {
  const std::string text = to_string(entity);
  for (const std::string_view glob : guard::never_touch())
    if (glob_match(glob, text)) return text + " is never touched ('" + std::string(glob) + "')";
  for (const std::string& glob : policy.protected_entities)
    if (glob_match(glob, text) || glob_match(glob, entity.name)) return text + " is protected by '" + glob + "'";
  return {};
}

}  // namespace hostmedic
