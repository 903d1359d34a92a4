// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/package_files.h"

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "probes/parse/unit_name.h"

namespace hostmedic {
namespace {

constexpr std::string_view kUnitDirectory = "/systemd/system/";
constexpr std::string_view kNoProgram[] = {"/bin/sh", "/bin/bash", "/bin/dash", "/bin/env", "/bin/true"};
constexpr std::size_t kMostPrograms = 16;

// The unit, where the path is that of a unit file; not of a link in a directory of .wants, nor of a drop-in.
std::string_view unit_at(std::string_view path) {
  const auto at = path.find(kUnitDirectory);
  if (at == std::string_view::npos) return {};
  const std::string_view name = path.substr(at + kUnitDirectory.size());
  return is_followed_service(name) ? name : std::string_view();
}

}  // namespace

std::string_view unmerged(std::string_view path) {
  for (const std::string_view directory : {"/usr/bin/", "/usr/sbin/", "/usr/lib/"})
    if (path.starts_with(directory)) return path.substr(4);
  return path;
}

std::vector<std::string> services_of_list(std::string_view list, const UnitPrograms& programs) {
  std::set<std::string> found;
  while (found.size() < kMostUnitsOfPackage) {
    const auto end = list.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view path = list.substr(0, end);
    list.remove_prefix(end + 1);
    if (const std::string_view unit = unit_at(path); !unit.empty()) found.emplace(unit);
    if (programs.empty()) continue;
    const auto [first, last] = programs.equal_range(unmerged(path));
    for (auto at = first; at != last && found.size() < kMostUnitsOfPackage; ++at) found.insert(at->second);
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> programs_of_unit(std::string_view unit_file) {
  std::vector<std::string> found;
  TextCursor cursor(unit_file);
  while (!cursor.at_end() && found.size() < kMostPrograms) {
    std::string_view line = trim(cursor.line());
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || trim(line.substr(0, equals)) != "ExecStart") continue;
    line = trim(line.substr(equals + 1));
    // Prefixes of systemd.service(5).
    while (!line.empty() && std::string_view("@-:+!|").find(line.front()) != std::string_view::npos)
      line.remove_prefix(1);
    if (line.starts_with('"')) line.remove_prefix(1);
    const std::string_view path = unmerged(line.substr(0, line.find_first_of(" \t\"")));
    if (!path.starts_with('/') || path.size() > 512 || path.find('%') != std::string_view::npos) continue;
    if (std::ranges::find(kNoProgram, path) == std::end(kNoProgram)) found.emplace_back(path);
  }
  return found;
}

}  // namespace hostmedic
