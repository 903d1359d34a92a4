// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/container_cgroup.h"

#include <algorithm>

#include "agent/base/parse.h"

namespace hostmedic {
namespace {

constexpr std::size_t kIdSize = 64;

bool is_id(std::string_view text) {
  return text.size() == kIdSize &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "docker-ID.scope", "libpod-ID", "ID"; "system.slice:docker:ID" where an engine took the one driver for the other.
ContainerGroup container_of(std::string_view name) {
  constexpr std::string_view kScope = ".scope";
  if (name.ends_with(kScope)) name.remove_suffix(kScope.size());
  if (is_id(name)) return {name, {}};
  if (name.size() <= kIdSize) return {};
  const std::string_view id = name.substr(name.size() - kIdSize);
  std::string_view engine = name.substr(0, name.size() - kIdSize);
  if (!is_id(id) || (engine.back() != '-' && engine.back() != ':')) return {};
  engine.remove_suffix(1);
  engine.remove_prefix(engine.rfind(':') + 1);
  if (engine.ends_with("conmon")) return {};
  return {id, engine};
}

}  // namespace

ContainerGroup parse_container_cgroup(std::string_view path) {
  std::string_view parent;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    ContainerGroup found = container_of(name);
    if (!found.id.empty()) {
      if (found.engine.empty() && parent == "docker") found.engine = parent;
      return found;
    }
    parent = name;
    path.remove_prefix(std::min(path.size(), name.size() + 1));
  }
  return {};
}

ContainerGroup parse_process_container(std::string_view text) {
  TextCursor lines(text);
  while (!lines.at_end()) {
    const std::string_view line = lines.line();  // "hierarchy:controllers:path"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    if (const auto found = parse_container_cgroup(line.substr(second + 1)); !found.id.empty()) return found;
  }
  return {};
}

}  // namespace hostmedic
