// SPDX-License-Identifier: Apache-2.0
// Which container a control group is of: the kernel's programs tell of "docker-<id>.scope", engines of "web". A
// container that is made anew under its name has the same ways, so what is known of it goes by the name. Bounded:
// kMost containers, further ones are not known by name. One owner.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "detect/model/frame.h"

namespace hostmedic::detect {

class ContainerNames {
 public:
  static constexpr std::size_t kMost = 512;

  // A container_state event about the container of that name.
  void note(const Event& event, std::string_view name);
  // By the unit of a process; empty: no container, or one that nobody told of. Valid until the next note().
  std::string_view of_unit(std::string_view unit) const;
  bool sane() const { return names_.size() <= kMost; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.names_);
  }

 private:
  std::map<std::string, std::string, std::less<>> names_;  // by id
};

}  // namespace hostmedic::detect
