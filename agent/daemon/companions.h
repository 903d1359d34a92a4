// SPDX-License-Identifier: Apache-2.0
// hostmedicd --all-in-one: starts the probe and the actuator as children, for development and for hosts that want one
// command. They stay programs of their own, so that the process that talks to the network never holds libbpf or the
// system bus. Children end with this process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

class Companions {
 public:
  Companions() = default;
  ~Companions();  // SIGTERM, then waits
  Companions(const Companions&) = delete;
  Companions& operator=(const Companions&) = delete;

  // program: its file name, looked for beside this program (installed or in a build tree).
  Status start(const std::string& program, const std::vector<std::string>& arguments);

 private:
  std::vector<pid_t> children_;
};

}  // namespace hostmedic
