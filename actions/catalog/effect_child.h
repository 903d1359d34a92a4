// SPDX-License-Identifier: Apache-2.0
// Runs another program to its end with a deadline, for effects that are carried out by a tool of the system. Blocks.
// Its environment holds PATH and LANG only; it is the leader of a process group of its own. Error timeout: it and all
// that it left in its group were killed.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// argv[0] is an absolute path. Standard input is empty, standard output goes to standard error. Returns the exit
// status, 128 + signal for a killed one.
Result<int> run_program(const std::vector<std::string>& argv, Duration most);

struct Program {
  std::vector<std::string> argv;
  int executable = -1;          // an open file that is executed whatever argv[0] names; none: argv[0], absolute
  int input = -1;               // read as its standard input; none: it is empty
  std::size_t most_output = 0;  // bytes that are kept; the rest is read and dropped
};
struct ProgramEnd {
  int status = 0;      // as of run_program()
  std::string output;  // its standard output
  bool cut = false;    // there was more
};
Result<ProgramEnd> capture_program(const Program& program, Duration most);

}  // namespace hostmedic
