// SPDX-License-Identifier: Apache-2.0
// What an administrator can say to the probes: the meaning of the [probes] table of hostmedic.toml, with its defaults.
// Plain values; checked where they are read (agent/config).
#pragma once

#include <string>
#include <vector>

#include "agent/base/bytes.h"

namespace hostmedic {

struct ProbeSettings {
  std::vector<std::string> disable;                // by name
  std::vector<std::string> log_roots{"/var/log"};  // absolute directories in which growing files are looked for
  // Where a probe keeps what must outlive it: the mark of probes/bpf/brake.h. Empty: nowhere. Not from the
  // configuration: it is the service manager that makes the directory.
  std::string state_dir;
  double cpu_budget = 0.01;                        // of one core, averaged over a minute
  Bytes memory_budget = mib(64);
};

}  // namespace hostmedic
