// SPDX-License-Identifier: Apache-2.0
// Processes of a procfs that a test writes.
#pragma once

#include "tests/unit/effects/effects_support.h"

namespace hostmedic::test {

// A process in procfs as the kernel would show it.
inline void put(const TempDir& proc, int pid, const std::string& name, const std::string& unit, std::uint64_t mebibytes,
                char state = 'S', int parent = 1, unsigned flags = 0x400100) {
  const std::string base = proc / std::to_string(pid);
  std::filesystem::create_directories(base + "/fd");
  write(base + "/stat", std::to_string(pid) + " (" + name + ") " + state + " " + std::to_string(parent) + " 1 1 0 -1 " +
                            std::to_string(flags) + " 0 0 0 0 70 30 0 0 20 5 3 0 " + std::to_string(1000LL + pid) +
                            " 0 0 18446744073709551615 0\n");
  write(base + "/cgroup", "0::/system.slice/" + unit + "\n");
  write(base + "/status",
        "Name:\t" + name + "\nRssAnon:\t  " + std::to_string(mebibytes * 1024) + " kB\nVmSwap:\t       0 kB\n");
}

}  // namespace hostmedic::test
