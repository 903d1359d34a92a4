// SPDX-License-Identifier: Apache-2.0
// The target of a request, taken apart. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct Target {
  std::string path;
  std::map<std::string, std::string> query;  // decoded; of equal names the last counts
};
// malformed for a bad escape, limit for more than 2 KiB or 16 parameters.
Result<Target> parse_target(std::string_view target);

}  // namespace hostmedic
