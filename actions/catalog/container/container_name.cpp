// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/container_name.h"

#include <algorithm>

namespace hostmedic {
namespace {

constexpr std::size_t kMostName = 128, kIdSize = 64, kShortId = 12;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_container_name(std::string_view text) {
  if (text.empty() || text.size() > kMostName || !is_alphanumeric(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_container_id(std::string_view text) {
  return text.size() == kIdSize &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string_view container_id_of(std::string_view group_name) {
  constexpr std::string_view kScope = ".scope";
  if (group_name.ends_with(kScope)) group_name.remove_suffix(kScope.size());
  if (group_name.size() < kIdSize) return {};
  const std::string_view id = group_name.substr(group_name.size() - kIdSize);
  group_name.remove_suffix(kIdSize);
  // The monitor of a container is outside of it.
  const bool known = group_name.empty() || (group_name.ends_with('-') && !group_name.ends_with("conmon-"));
  return known && is_container_id(id) ? id : std::string_view();
}

Result<Entity> container_of(const Incident& incident) {
  if (incident.root.kind == EntityKind::container) {
    if (!is_container_name(incident.root.name))
      return make_error(ErrorCode::malformed, "'" + incident.root.name + "' is not the name of a container");
    return incident.root;
  }
  if (incident.root.kind == EntityKind::service)
    if (const std::string_view id = container_id_of(incident.root.name); !id.empty())
      return Entity{EntityKind::container, std::string(id.substr(0, kShortId))};
  for (const Entity& cause : incident.causes)
    if (cause.kind == EntityKind::container && is_container_name(cause.name)) return cause;
  return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a container, and none is its cause");
}

}  // namespace hostmedic
