// SPDX-License-Identifier: Apache-2.0
// Where nothing is learned for a while, because people work there. Pure; one owner.
#pragma once

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/base/text.h"
#include "agent/base/time.h"
#include "detect/model/entity.h"

namespace hostmedic::detect {

struct LearningHold {
  std::string entity = "*";  // pattern over to_string(entity)
  WallTime until;
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.entity, self.until);
  }
};

// Asked for each reading, so it allocates nothing once it has seen the longest name.
class LearningHolds {
 public:
  void set(std::vector<LearningHold> holds) { holds_ = std::move(holds); }
  // Those that are over are forgotten: from then on cover() has nothing to look at.
  void expire(WallTime now) {
    std::erase_if(holds_, [now](const LearningHold& hold) { return hold.until <= now; });
  }
  bool cover(const Entity& entity) {
    if (holds_.empty()) return false;
    name_.assign(to_string(entity.kind));
    if (entity.kind != EntityKind::host || !entity.name.empty()) name_.append(1, ':').append(entity.name);
    return std::ranges::any_of(holds_, [this](const LearningHold& hold) { return glob_match(hold.entity, name_); });
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.holds_);
  }

 private:
  std::vector<LearningHold> holds_;
  std::string name_;  // of the entity that is asked about
};

}  // namespace hostmedic::detect
