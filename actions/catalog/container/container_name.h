// SPDX-License-Identifier: Apache-2.0
// What a container may be called, and which container an incident is about. Pure; any thread.
#pragma once

#include <string_view>

#include "actions/action.h"

namespace hostmedic {

// What Docker and Podman accept as a name, at most 128 bytes; ids and their beginnings are such names too. Nothing in
// it means anything in a URL or a path.
bool is_container_name(std::string_view text);
// An id in full: 64 hexadecimal digits.
bool is_container_id(std::string_view text);
// The id of the container that a systemd scope or a control group holds, "docker-ID.scope", "libpod-ID"; else empty.
std::string_view container_id_of(std::string_view group_name);

// The root itself, the container whose scope is the root, or the first container among the causes.
Result<Entity> container_of(const Incident& incident);

}  // namespace hostmedic
