// SPDX-License-Identifier: Apache-2.0
// Which build of Hostmedic this program is. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace hostmedic {

std::string version();  // "0.1.0"

// The GNU build id in lower-case hex, read from the running program's own note: it stays the same when the program is
// stripped, and names its debug package. Empty where the linker made none.
std::string build_id();

// "hostmedicd 0.1.0 (build 4f1c...)", the answer to --version.
std::string version_line(std::string_view program);

}  // namespace hostmedic
