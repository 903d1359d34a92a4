// SPDX-License-Identifier: Apache-2.0
// The JSON that container engines hand out. Every input is bounded by its reader (kMostJson) and may be anything: what
// does not fit is malformed, never a crash. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "probes/container/facts.h"

namespace hostmedic::container {

inline constexpr std::size_t kMostJson = std::size_t{1} << 20;

// GET /containers/json: the ids, at most kMostContainers; what is none is left out.
Result<std::vector<std::string>> parse_id_list(std::string_view text);
// GET /containers/ID/json.
Result<ContainerFacts> parse_inspect(std::string_view text);
// Docker's own file /var/lib/docker/containers/ID/config.v2.json.
Result<ContainerFacts> parse_docker_config(std::string_view text);
// containers.json of the storage that Podman and CRI-O share: ids, names and images; states are not in it.
Result<std::vector<ContainerFacts>> parse_storage_list(std::string_view text);
// One line of GET /events. An event that is not about a container has an empty id.
Result<ContainerNews> parse_news(std::string_view line);
// "data-root" of Docker's daemon.json; empty: not set.
Result<std::string> parse_data_root(std::string_view text);

}  // namespace hostmedic::container
