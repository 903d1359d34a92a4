// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/effect_found.h"

#include "actions/catalog/container/effect_group.h"
#include "actions/catalog/effect_unit.h"
#include "agent/base/text.h"

namespace hostmedic {

using guard::TargetState;

Result<FoundContainer> find_any_container(const std::string& name) {
  constexpr auto kPatience = std::chrono::seconds(5);
  auto known = find_container(name, engine_places(), kPatience);
  FoundContainer found;
  if (known) {
    found.id = known->id;
    found.name = known->name;
    found.pid = known->pid;
    found.engine = std::move(*known);
    return found;
  }
  if (known.error().code != ErrorCode::unsupported) return known.error();
  const auto root = group_root();
  if (!root) return root.error();
  auto group = find_container_group(*root, name);
  if (!group) return Error(group.error()).in("no container engine answers");
  found.id = std::move(group->id);
  found.name = found.id.substr(0, 12);
  found.group = std::move(group->path);
  const auto processes = processes_of(found.group, 1);
  if (!processes.empty()) found.pid = processes.front();
  if (const auto frozen = is_frozen(found.group)) found.frozen = *frozen;
  return found;
}

std::string words(const FoundContainer& container) {
  const std::string short_id = container.id.substr(0, 12);
  if (!container.engine)
    return "container " + short_id +
           (container.frozen     ? " is frozen"
            : container.pid != 0 ? " runs"
                                 : " is empty") +
           ", and no engine answers";
  const EngineContainer& engine = *container.engine;
  return container.name + " (" + engine.engine.name + " " + short_id + ") is " + engine.state +
         (engine.health.empty() ? "" : ", " + engine.health) +
         (engine.state == "exited" ? strf(" with %lld", static_cast<long long>(engine.exit_code)) : "");
}

TargetState running_state(const Result<FoundContainer>& found, std::string& ret_text) {
  if (!found) {
    ret_text = found.error().message();
    return found.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_text = words(*found);
  return found->pid != 0 ? TargetState::faulty : TargetState::gone;
}

void print_container(const FoundContainer& container) {
  print_detail("container_id", container.id);
  print_detail("container_name", container.name);
  print_detail("engine", container.engine ? container.engine->engine.name : "none");
  print_detail("pid", strf("%u", container.pid));
  if (!container.engine) return;
  print_detail("started_at", container.engine->started_at);
  if (!container.engine->replacement.empty()) print_detail("replacement", container.engine->replacement);
}

}  // namespace hostmedic
