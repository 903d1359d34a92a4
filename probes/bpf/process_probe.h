// SPDX-License-Identifier: Apache-2.0
// Processes that end badly or are killed for memory, from the kernel itself, while they happen. Loads process.bpf.c and
// owns it. One thread. Where BPF or BTF is missing make() says so, and everything else goes on without it.
#pragma once

#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo process_probe;

}  // namespace hostmedic
