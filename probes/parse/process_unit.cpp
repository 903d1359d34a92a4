// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/process_unit.h"

#include <algorithm>

#include "agent/base/parse.h"

namespace hostmedic {
namespace {

std::string_view unit_of_path(std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name.ends_with(".slice")) continue;
    const bool unit = (name.ends_with(".service") || name.ends_with(".scope")) && name.size() < 256 &&
                      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
    return unit ? name : std::string_view();
  }
  return {};
}

}  // namespace

std::string_view parse_process_unit(std::string_view text) {
  // "hierarchy:controllers:path" per line. With both versions mounted, systemd's own hierarchy of version 1 has the
  // same groups as version 2, and one of the two may be empty.
  TextCursor lines(text);
  while (!lines.at_end()) {
    const std::string_view line = lines.line();
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view hierarchy = line.substr(0, first), controllers = line.substr(first + 1, second - first - 1);
    if (!(hierarchy == "0" && controllers.empty()) && controllers != "name=systemd") continue;
    if (const auto unit = unit_of_path(line.substr(second + 1)); !unit.empty()) return unit;
  }
  return {};
}

}  // namespace hostmedic
