// SPDX-License-Identifier: Apache-2.0
// What the actuator sees of the host around a target, just before it judges: work that must not be disturbed, and the
// units that a target hangs together with. Reads /proc and asks the service manager; executor thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "actions/catalog/effect.h"

namespace hostmedic {

struct BusyPaths {
  std::string proc;       // where procfs is mounted
  std::string dpkg_lock;  // held while packages are installed; empty: there is none
};
inline constexpr std::size_t kMostBusy = 16;

// As in guard::Circumstances::busy, at most kMostBusy. more: Policy::busy_processes. Where /proc cannot be read, one
// entry that begins with guard::kBusyUnknown.
std::vector<std::string> busy_now(const BusyPaths& paths, std::span<const std::string> more);

// The services that a service requires or that require it, directly; at most kMostRelated. What cannot be asked is left
// out: an order under way on the target itself is known without it.
std::vector<Entity> related_of(ServiceManager& manager, const Entity& target);
inline constexpr std::size_t kMostRelated = 64;

}  // namespace hostmedic
