// SPDX-License-Identifier: Apache-2.0
// Where nothing is learned for a while, because people work there. Plain values.
#pragma once

#include <string>

#include "agent/base/time.h"

namespace hostmedic::detect {

struct LearningHold {
  std::string entity = "*";  // pattern over to_string(entity)
  WallTime until;
};

}  // namespace hostmedic::detect
