// SPDX-License-Identifier: Apache-2.0
// The entity graph as whole state.
#pragma once

#include "detect/correlate/entity_graph.h"
#include "detect/model/state_io.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<Dependence> = Dependence{kDependenceCount - 1};

}  // namespace hostmedic::detect
