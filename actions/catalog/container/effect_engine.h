// SPDX-License-Identifier: Apache-2.0
// Containers as their engine knows them: Docker's API, which Podman speaks too. Blocks up to the time given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct EnginePlace {
  std::string name, socket;
};
// Docker and Podman of this host, of root.
const std::vector<EnginePlace>& engine_places();

struct EngineContainer {
  EnginePlace engine;
  std::string id, name;        // in full; without the slash
  std::string state;           // "running", "paused", "restarting", "exited", "created", "dead"
  std::string health;          // "healthy", "unhealthy", "starting"; empty: it has no check
  std::string started_at;      // as the engine writes it: another text is another start
  std::string network_mode;    // "bridge", "host", "container:ID", ...
  std::string replacement;     // who keeps another one at hand: a Compose service, a systemd unit; empty: nobody known
  std::uint32_t pid = 0;       // of its first process, as this host counts; 0: none
  std::int64_t exit_code = 0;  // of the last run
  bool oom_killed = false;     // the last run
  bool rules_its_network = false;  // it has the right to take rules of its network away
};

// The body of GET /containers/NAME/json. malformed: what is needed is missing. Pure.
Result<EngineContainer> parse_engine_container(std::string_view json);

// name: a name, an id, or the beginning of one. Errors: unsupported (no engine answers), not_found (none has it),
// conflict (two have it).
Result<EngineContainer> find_container(const std::string& name, const std::vector<EnginePlace>& engines, Duration most);

// verb: "restart?t=10", "pause", "unpause", "stop?t=10", "start". What is so already is well too.
Status tell_engine(const EngineContainer& container, std::string_view verb, Duration most);

}  // namespace hostmedic
