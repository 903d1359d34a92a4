// SPDX-License-Identifier: Apache-2.0
// Capabilities by their names. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace hostmedic {

// The set as the kernel counts it; names that are not among those any effect needs are left out, never added.
std::uint64_t capability_mask(std::span<const std::string> names);

// Leaves the calling process with these capabilities at most, for good. False if the kernel refused.
bool keep_capabilities(std::uint64_t mask);

}  // namespace hostmedic
