// SPDX-License-Identifier: Apache-2.0
// What happened in an incident, as marks on an axis of time. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/incident.h"

namespace hostmedic {

struct Mark {
  WallTime at;
  std::string_view css;   // class of the style sheet: "m-act"
  std::string_view word;  // "ordered"
  std::string text;       // as it came; may be hostile
};

// The fault, changes before it, events and evidence, actions, their proof, the end. By time; of more than `most` the
// first half and the last half.
std::vector<Mark> marks_of(const Incident& incident, std::size_t most);

}  // namespace hostmedic
