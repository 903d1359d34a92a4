// SPDX-License-Identifier: Apache-2.0
// The network namespace of a container, entered by its process. One thread only: it changes what the thread sees.
#pragma once

#include <cstdint>
#include <string>

#include "actions/catalog/container/effect_found.h"
#include "agent/base/fd.h"

namespace hostmedic {

struct ContainerNetns {
  FoundContainer container;
  Fd fd;
  std::uint64_t inode = 0;  // names the namespace while it exists
  int others = 0;           // processes of others that live in the same one: a pod, a container that joined it
};
// name: of the container. The process is looked at twice, so that it cannot be another one under the same number.
// Errors: those of find_any_container(), conflict (it does not run, it has the host's network, it was started anew
// meanwhile).
Result<ContainerNetns> open_netns(const std::string& name, const std::string& proc);

// From here on the calling thread, and what it runs, is in there. Needs CAP_SYS_ADMIN.
Status enter(const ContainerNetns& netns);

}  // namespace hostmedic
