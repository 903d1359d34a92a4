// SPDX-License-Identifier: Apache-2.0
// What people say of incidents: it was a real problem, or it was none. Plain values.
#pragma once

#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "agent/base/time.h"
#include "detect/model/entity.h"

namespace hostmedic {

struct Feedback {
  std::string incident_id;
  Entity root;
  std::vector<std::string> rules;  // of its signals that are no proof; at most kMostAnomalies
  bool real = false;
  std::string by, note;
  WallTime at;
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.incident_id, self.root, self.rules, self.real, self.by, self.note, self.at);
  }
};
inline constexpr std::size_t kMostFeedback = 128;  // the oldest goes

}  // namespace hostmedic
