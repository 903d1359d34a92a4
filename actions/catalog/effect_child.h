// SPDX-License-Identifier: Apache-2.0
// Runs another program to its end with a deadline, for effects that are carried out by a tool of the system. Blocks.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// argv[0] is an absolute path. Standard input is empty, standard output goes to standard error, the environment holds
// PATH and LANG only. Returns the exit status, 128 + signal for a killed one. Error timeout: it and all that it left
// in its process group were killed.
Result<int> run_program(const std::vector<std::string>& argv, Duration most);

}  // namespace hostmedic
