// SPDX-License-Identifier: Apache-2.0
// The only reader of clocks. For the imperative shell (agent/, probes/); never for detect/ or the guard.
#pragma once

#include "agent/base/time.h"

namespace hostmedic {

MonoTime mono_now();
WallTime wall_now();
Duration thread_cpu_time();  // processor time of the calling thread

}  // namespace hostmedic
