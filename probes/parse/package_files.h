// SPDX-License-Identifier: Apache-2.0
// Which services a package brought, from the list of its files, and which program a unit starts. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hostmedic {

// The paths of programs of units, as unmerged() has them, with the units that start them.
using UnitPrograms = std::multimap<std::string, std::string, std::less<>>;

inline constexpr std::size_t kMostUnitsOfPackage = 64;

// "/usr/sbin/nginx" and "/sbin/nginx" are one file where the host merged /usr, and packages say either.
std::string_view unmerged(std::string_view path);

// list: one path in a line, as in /var/lib/dpkg/info/NAME.list. The services whose unit file is among them and those
// whose program is, sorted, at most kMostUnitsOfPackage. A last line without an end was cut and does not count.
std::vector<std::string> services_of_list(std::string_view list, const UnitPrograms& programs);

// The programs that ExecStart= of a unit file names, without shells, which say nothing of the service.
std::vector<std::string> programs_of_unit(std::string_view unit_file);

}  // namespace hostmedic
