// SPDX-License-Identifier: Apache-2.0
// Processes from the kernel's own walk over its tasks. Loads sweep.bpf.c and owns it. Each sweep tells of the processes
// that ran since the last one; now and then, depending on what that costs, of all. One thread, which does not block.
#pragma once

#include <memory>

#include "probes/probe.h"
#include "probes/process/source.h"

namespace hostmedic::bpf {

// unsupported or denied, with "not here, because ...": no BPF, no iterator over tasks, or not allowed.
Result<std::unique_ptr<process::ProcessSource>> make_sweep_source(const ProbeContext& context);

}  // namespace hostmedic::bpf
