// SPDX-License-Identifier: Apache-2.0
// Time zones by their names, from the host's zone database. Blocking file reads; any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "detect/calendar/zone_rule.h"

namespace hostmedic {

struct ZonePaths {
  std::string database = "/usr/share/zoneinfo";
  std::string local = "/etc/localtime";
};

// name: "Europe/Berlin"; "UTC", which needs no file; empty: the host's own, UTC where it has none set. Error not_found
// or malformed.
Result<detect::ZoneRule> load_zone(std::string_view name, const ZonePaths& paths = {});

// The rule at the end of a TZif file of version 2 or later (RFC 9636).
Result<detect::ZoneRule> parse_zone_file(std::string_view bytes, std::string name);

}  // namespace hostmedic
