// SPDX-License-Identifier: Apache-2.0
// What an engine says of its containers. Plain values; texts come from outside and are made printable where they are
// told. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostmedic::container {

inline constexpr std::size_t kMostContainers = 256;  // per engine
inline constexpr std::size_t kMostText = 256;        // bytes of a name or an image

struct ContainerFacts {
  std::string id;           // in full
  std::string name, image;  // empty: not known
  std::string state;        // "running", "exited", "paused", "restarting", ...; empty: the engine does not say
  std::string health;       // "healthy", "unhealthy", "starting"; empty: no check, or not known
  std::optional<std::int64_t> exit_code;  // of the last run
  std::optional<std::uint64_t> restarts;  // by the restart policy
  bool oom_killed = false;                // the last run
  std::string image_id{};                 // "sha256:..."; a name may come to mean another image; empty: not known
  bool operator==(const ContainerFacts&) const = default;
};

// One line of an engine's stream of events.
struct ContainerNews {
  std::string id, action;  // "start", "die", "oom", "health_status", "destroy", "rename", ...
  std::string name, image, health;
  std::optional<std::int64_t> exit_code;
};

// Whether a text is an id in full: 64 hexadecimal digits. Only such a one becomes part of a path.
bool is_container_id(std::string_view text);
// The id as engines print it for people.
inline std::string_view short_id(std::string_view id) { return id.substr(0, 12); }

}  // namespace hostmedic::container
