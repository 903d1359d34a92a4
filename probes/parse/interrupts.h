// SPDX-License-Identifier: Apache-2.0
// /proc/interrupts: one row per kind of interrupt, one column per CPU. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// The sum over all CPUs of the row with this name ("MCE"); nothing if there is no such row.
// malformed: a cut line, numbers that do not fit.
Result<std::optional<std::uint64_t>> parse_interrupt_row(std::string_view text, std::string_view name);

}  // namespace hostmedic
