// SPDX-License-Identifier: Apache-2.0
// What package managers write into their logs, line by line: dpkg (dpkg.log) and dnf 4 (dnf.rpm.log). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostmedic {

// A time as a log has it; without offset it is that of the host's time zone.
struct LogTime {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::optional<int> utc_offset_seconds;
  bool operator==(const LogTime&) const = default;
};

enum class PackageAction : std::uint8_t { installed, upgraded, downgraded, removed };
std::string_view to_string(PackageAction action);

struct PackageChange {
  PackageAction action{};
  std::string name;               // without the architecture
  std::string version, previous;  // empty: not said, or there is none
  LogTime at;
  bool operator==(const PackageChange&) const = default;
};

// A line that says that a package is being unpacked or removed; nullopt for every other line, and for one that is cut
// or does not follow the form. dpkg: the line that begins the work, because what the package brings is in place before
// the line that ends it, and a service that breaks does so in between.
std::optional<PackageChange> parse_dpkg_log_line(std::string_view line);
// dnf says the new version of an upgrade; the old one comes in a line much later, so previous is empty.
std::optional<PackageChange> parse_dnf_log_line(std::string_view line);

// The order of Debian's policy: epoch, upstream version, revision; '~' before everything. Below 0, 0, above 0.
int compare_debian_versions(std::string_view a, std::string_view b);

}  // namespace hostmedic
