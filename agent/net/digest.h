// SPDX-License-Identifier: Apache-2.0
// SHA-256, for what must show that it was changed. A library of its own, without TLS. No state; any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// 64 lower-case hex digits. An error of code unsupported only where the library has no SHA-256.
Result<std::string> sha256_hex(std::string_view text);

}  // namespace hostmedic
