// SPDX-License-Identifier: Apache-2.0
// What a signal is about. Plain values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostmedic {

enum class EntityKind : std::uint8_t {
  host,               // name: ""
  filesystem,         // name: mount point, "/var"
  block_device,       // name: kernel name, "sda"
  network_interface,  // name: "eth0"
  service,            // name: systemd unit, "nginx.service"
  container,          // name: id
  process,            // name: executable, for groups of processes
  endpoint,           // name: URL
  certificate,        // name: path or endpoint
  package,            // name: package
  agent,              // Hostmedic itself; name: part, "probe.filesystem"
};
inline constexpr int kEntityKindCount = 11;

std::string_view to_string(EntityKind kind);
std::optional<EntityKind> entity_kind_from(std::string_view text);

struct Entity {
  EntityKind kind = EntityKind::host;
  std::string name;  // at most kMostEntityName bytes, printable
  auto operator<=>(const Entity&) const = default;
};
inline constexpr std::size_t kMostEntityName = 256;

// "service:nginx.service", "filesystem:/var"; the host is "host".
std::string to_string(const Entity& entity);
std::optional<Entity> entity_from(std::string_view text);

// Small number for an entity or a series within one stream of frames: below kMostEntities or kMostSeries (frame.h), so
// that a receiver may index by it. The sender of the frames assigns them and uses those again that it has retired.
enum class EntityId : std::uint32_t {};
enum class SeriesId : std::uint32_t {};

}  // namespace hostmedic
