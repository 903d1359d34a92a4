// SPDX-License-Identifier: Apache-2.0
// `hostmedic list probes --cost`: measured by the probe's own program, which takes this one's place.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/ctl/verbs.h"

namespace hostmedic {

Exit measure_cost(Context& context) {
  const std::string& program = context.paths.probe;
  if (context.json)
    return fail(context, {Exit::usage, "the cost is a table for people", "hostmedic list probes --cost"});
  if (program.empty())
    return fail(context, {Exit::unavailable, "hostmedic-probe is not installed", "install the package hostmedic"});
  context.out << "Runs every probe for ten seconds, beside those of the agent.\n" << std::flush;
  const std::string config = context.paths.etc + "/hostmedic.toml";
  if (::access(config.c_str(), R_OK) == 0)
    ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), "--cost", nullptr);
  else
    ::execl(program.c_str(), program.c_str(), "--cost", nullptr);
  return fail(context, {Exit::unavailable, program + ": " + std::strerror(errno), "install the package hostmedic"});
}

}  // namespace hostmedic
