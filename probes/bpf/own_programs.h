// SPDX-License-Identifier: Apache-2.0
// What this process has loaded into the kernel and what it costs there, found by its open descriptors. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic::bpf {

struct OwnProgram {
  std::uint32_t id = 0;
  std::string name;
  // Since it was loaded, while statistics were kept.
  std::uint64_t runs = 0, run_ns = 0;
  std::uint32_t verified = 0;  // instructions that the verifier went through; 0 before Linux 5.16, which does not say
};
struct OwnMap {
  std::uint32_t id = 0;
  std::uint64_t bytes = 0;  // that the kernel holds for it; 0 where it does not say
};

// Each once, sorted by id. proc: /proc.
std::vector<OwnProgram> own_programs(int proc);
std::vector<OwnMap> own_maps(int proc);

// The kernel times the runs of all programs on the host for as long as the descriptor is open. Needs CAP_SYS_ADMIN.
Result<Fd> keep_statistics();

}  // namespace hostmedic::bpf
