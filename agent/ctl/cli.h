// SPDX-License-Identifier: Apache-2.0
// The command line: arguments to one verb. With complete.cpp the only user of CLI11. One thread.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "agent/ctl/ask.h"
#include "agent/ctl/paths.h"
#include "agent/ctl/terminal.h"

namespace hostmedic {

// What only main knows.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  Look look;
  std::string version;
  std::string who;  // "uid 0 (root)"
  Paths paths;
  // Asks the person at the terminal, who answers with one key; absent when nobody is there.
  std::function<char(const std::string& question)> one_key;
  std::string build_id = {};  // of this program
};

// args: without the program's name.
Exit run_cli(const Surroundings& surroundings, std::vector<std::string> args);

}  // namespace hostmedic
