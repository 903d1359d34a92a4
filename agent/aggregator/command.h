// SPDX-License-Identifier: Apache-2.0
// The command line of hostmedic-aggregator as data. Pure; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

struct AggregatorCommand {
  std::string verb = "run";
  std::vector<std::string> arguments;                       // after the verb, without the options
  std::map<std::string, std::vector<std::string>> options;  // by name without "--", in the order given

  bool has(const std::string& name) const { return options.contains(name); }
  // The last one given, else fallback.
  std::string value(const std::string& name, std::string fallback) const;
};
// malformed for an unknown verb or option (with the nearest known one), a missing value, too many or too few arguments.
Result<AggregatorCommand> parse_command(std::span<const std::string> words);
std::string_view usage_text();

}  // namespace hostmedic
