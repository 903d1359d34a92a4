// SPDX-License-Identifier: Apache-2.0
#include "detect/model/entity.h"

#include <array>

namespace hostmedic {

namespace {
constexpr std::array<std::string_view, kEntityKindCount> kKinds{
    "host",    "filesystem", "block_device", "network_interface", "service", "container",
    "process", "endpoint",   "certificate",  "package",           "agent",
};
}  // namespace

std::string_view to_string(EntityKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < kKinds.size() ? kKinds[index] : "unknown";
}

std::optional<EntityKind> entity_kind_from(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i] == text) return static_cast<EntityKind>(i);
  return std::nullopt;
}

std::string to_string(const Entity& entity) {
  std::string text(to_string(entity.kind));
  if (entity.kind == EntityKind::host && entity.name.empty()) return text;
  text += ':';
  text += entity.name;
  return text;
}

std::optional<Entity> entity_from(std::string_view text) {
  const auto colon = text.find(':');
  const auto kind = entity_kind_from(text.substr(0, colon));
  if (!kind) return std::nullopt;
  if (colon == std::string_view::npos) {
    if (*kind != EntityKind::host) return std::nullopt;
    return Entity{*kind, ""};
  }
  const std::string_view name = text.substr(colon + 1);
  if (name.empty() || name.size() > kMostEntityName) return std::nullopt;
  return Entity{*kind, std::string(name)};
}

}  // namespace hostmedic
