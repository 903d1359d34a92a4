// SPDX-License-Identifier: Apache-2.0
// On which filesystem a directory lies, under the name that the filesystem probe gives it. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/parse/mountinfo.h"

namespace hostmedic::log {

// nullopt: on none that is followed, or on one behind a network, where a look can hang. path is absolute and clean.
std::optional<std::string> local_filesystem_of(std::string_view path, const std::vector<Mount>& mounts);

}  // namespace hostmedic::log
