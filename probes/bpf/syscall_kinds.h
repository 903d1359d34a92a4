// SPDX-License-Identifier: Apache-2.0
// Which failures of system calls are worth counting, and how they are called. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "probes/bpf/record/syscall_errors.h"

namespace hostmedic::bpf {

// By number of the system call of this architecture: enum hm_call.
std::array<std::uint8_t, HM_SYSCALLS> call_kinds();
// By errno: 0 for an answer that programs get all day (no such file, try again); else a number of our own.
std::array<std::uint8_t, HM_ERRORS> error_kinds();

// "open", "read", ...; empty: no such kind, or one that is not counted.
std::string_view call_name(std::uint32_t call);
// "ENOSPC", ..., "other" for one of error_kinds; empty: no such number.
std::string_view error_name(std::uint32_t error);

}  // namespace hostmedic::bpf
