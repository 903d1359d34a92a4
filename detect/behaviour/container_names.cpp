// SPDX-License-Identifier: Apache-2.0
#include "detect/behaviour/container_names.h"

#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kIdSize = 64;

}  // namespace

void ContainerNames::note(const Event& event, std::string_view name) {
  const std::string_view id = event.get(attr::kContainerId);
  if (id.size() != kIdSize) return;
  const auto known = names_.find(id);
  if (event.get(attr::kContainerEvent) == "destroy") {
    if (known != names_.end()) names_.erase(known);
  } else if (known != names_.end()) {
    known->second = name;
  } else if (names_.size() < kMost) {
    names_.emplace(id, name);
  }
}

std::string_view ContainerNames::of_unit(std::string_view unit) const {
  constexpr std::string_view kScope = ".scope";
  if (!unit.ends_with(kScope) || unit.size() <= kIdSize + kScope.size()) return {};
  unit.remove_suffix(kScope.size());
  const std::string_view id = unit.substr(unit.size() - kIdSize);
  unit.remove_suffix(kIdSize);
  // The monitor of a container is outside of it.
  if (!unit.ends_with('-') || unit.ends_with("conmon-")) return {};
  const auto known = names_.find(id);
  return known == names_.end() ? std::string_view() : std::string_view(known->second);
}

}  // namespace hostmedic::detect
