// SPDX-License-Identifier: Apache-2.0
// What is wrong with the installed configuration, policy and runbooks. Blocking file reads; one thread.
#pragma once

#include <vector>

#include "agent/config/diagnostic.h"
#include "agent/ctl/paths.h"

namespace hostmedic {

std::vector<Diagnostic> check_installed(const Paths& paths);

}  // namespace hostmedic
