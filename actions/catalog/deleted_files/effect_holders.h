// SPDX-License-Identifier: Apache-2.0
// Who holds files open that have no name any more, and so the room that they take. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hostmedic {

struct Holder {
  std::string unit;         // service, empty for what runs in none
  std::string process;      // the name of one of its processes
  int pid = 0;              // of that one
  int files = 0;            // each counted once, however often it is open
  std::uint64_t bytes = 0;  // on disk
};

// Deleted ordinary files of the filesystem with that device number. Largest first. Bounded; processes that may not be
// looked at are left out.
std::vector<Holder> find_holders(const std::string& proc, dev_t device);

// "nginx.service" for "0::/system.slice/nginx.service"; empty if the process belongs to no service.
std::string service_of_cgroups(const std::string& text);

}  // namespace hostmedic
