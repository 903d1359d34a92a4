// SPDX-License-Identifier: Apache-2.0
// The two sets of BPF programs that look at HTTP, of which a host has one: on tracepoints, which need no further
// capability, and on our control group root, for kernels whose tracepoints may not read packets. After bpf::begin().
#pragma once

#include <cstdint>
#include <memory>

#include "agent/base/result.h"
#include "probes/source/roots.h"

namespace hostmedic::bpf {

// Loaded and attached; detached when the last copy goes. loaded: either set, with its destructor.
struct HttpPrograms {
  std::shared_ptr<void> loaded;
  int services = -1, counts = -1;         // maps
  std::uint32_t* sample_shift = nullptr;  // memory that the programs read
  std::uint8_t* ports = nullptr;          // 65536 of enum hm_http_port
};

Result<HttpPrograms> load_on_tracepoints(std::uint64_t root_cgroup_id);
Result<HttpPrograms> load_on_group(const Roots& roots, std::uint64_t root_cgroup_id);

}  // namespace hostmedic::bpf
