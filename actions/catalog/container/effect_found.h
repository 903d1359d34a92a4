// SPDX-License-Identifier: Apache-2.0
// One container of this host, by name or id: from its engine, or from its control group where no engine answers.
#pragma once

#include <optional>
#include <string>

#include "actions/action.h"
#include "actions/catalog/container/effect_engine.h"
#include "actions/guard/guard.h"

namespace hostmedic {

struct FoundContainer {
  std::string id, name;
  std::optional<EngineContainer> engine;  // nullopt: no engine answers
  std::string group;                      // its control group, where no engine answers
  bool frozen = false;                    // the same
  std::uint32_t pid = 0;                  // one of its processes; 0: it does not run
};
// Errors as those of find_container() and find_container_group().
Result<FoundContainer> find_any_container(const std::string& name);

// A short sentence: "web (docker 0123456789ab) is running, unhealthy".
std::string words(const FoundContainer& container);

// For what does not depend on a fault in it (pause, stop, isolate): one that runs is there to be treated.
guard::TargetState running_state(const Result<FoundContainer>& found, std::string& ret_text);

// Prints who it is, as details that an undo looks for, and that a human reads.
void print_container(const FoundContainer& container);

}  // namespace hostmedic
