// SPDX-License-Identifier: Apache-2.0
// The brakes, what people expect and what they said of incidents, as the texts that the store and recordings keep.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/pipeline/pipeline.h"

namespace hostmedic {

std::string brakes_to_json(const Brakes& brakes);
Result<Brakes> brakes_from_json(std::string_view text);

// Of entries without a cron.
std::string expected_to_json(const std::vector<detect::ExpectedEntry>& entries);
Result<std::vector<detect::ExpectedEntry>> expected_from_json(std::string_view text);

std::string feedback_to_json(const std::vector<Feedback>& all);
Result<std::vector<Feedback>> feedback_from_json(std::string_view text);

}  // namespace hostmedic
