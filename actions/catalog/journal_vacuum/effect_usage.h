// SPDX-License-Identifier: Apache-2.0
// What the journal's files take on disk. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hostmedic {

// Bytes on disk of the files one and two levels below a directory of journald; nullopt if it cannot be read.
std::optional<std::uint64_t> journal_usage(const std::string& directory);

}  // namespace hostmedic
