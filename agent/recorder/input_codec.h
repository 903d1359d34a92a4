// SPDX-License-Identifier: Apache-2.0
// What the pipeline was told besides frames, as bytes of a recording. Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/pipeline/tape.h"

namespace hostmedic {

std::string encode_input(const PipelineInput& input);
// Error malformed; unsupported for an input that this version does not know.
Result<PipelineInput> decode_input(std::string_view bytes);

}  // namespace hostmedic
