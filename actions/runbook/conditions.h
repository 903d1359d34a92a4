// SPDX-License-Identifier: Apache-2.0
// Conditions in the language of hostmedic-rules(5), as runbooks have them: whoever knows the language answers. One
// thread.
#pragma once

#include <optional>
#include <string>

#include "detect/model/entity.h"

namespace hostmedic {

class Conditions {
 public:
  virtual ~Conditions() = default;
  // As of the last frame. A condition that looks back in time begins to look when it is asked first, and goes on as
  // long as it is asked from time to time. nullopt: not known, or it cannot be asked.
  virtual std::optional<bool> holds(const std::string& condition, const Entity& subject) = 0;
  // With the numbers: "system.memory.utilization 93% > 90%", "not known: ...". One line.
  virtual std::string explain(const std::string& condition, const Entity& subject) = 0;
};

}  // namespace hostmedic
