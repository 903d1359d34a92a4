// SPDX-License-Identifier: Apache-2.0
// The brakes as the text that the store keeps under "brakes". Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/pipeline/pipeline.h"

namespace hostmedic {

std::string brakes_to_json(const Brakes& brakes);
Result<Brakes> brakes_from_json(std::string_view text);

}  // namespace hostmedic
