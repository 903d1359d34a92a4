// SPDX-License-Identifier: Apache-2.0
// The capabilities that loading and attaching BPF programs needs: given back once nothing is left to load. Linux up to
// 5.18 wants them for every later question to a map as well; that is tried, not guessed by the version.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace hostmedic::bpf {

// Whether this thread holds CAP_BPF or CAP_PERFMON, and no capability that would bring them back.
bool holds_rights();

// Takes CAP_BPF and CAP_PERFMON from every thread of the process for good: from the effective, permitted, inheritable
// and ambient set. The bounding set stays, for want of CAP_SETPCAP; without new privileges nothing comes back through
// it. A thread that hangs in the kernel gives them back when it returns. Error unsupported: nothing was changed, and
// why. proc: where procfs is mounted. To be called by one thread.
Status give_back_rights(int proc);

}  // namespace hostmedic::bpf
