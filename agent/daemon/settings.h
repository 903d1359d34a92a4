// SPDX-License-Identifier: Apache-2.0
// All that the daemon is configured with, read together so that it changes together or not at all.
#pragma once

#include <string>
#include <vector>

#include "actions/guard/guard.h"
#include "actions/runbook/runbook.h"
#include "agent/base/result.h"
#include "agent/config/agent_config.h"
#include "agent/recorder/config_files.h"

namespace hostmedic {

using SettingsPaths = ConfigPlaces;

struct Settings {
  AgentConfig agent;
  guard::Policy policy;
  std::vector<Runbook> runbooks;
};

// Logs every fault and notice with its place. The error names the first fault.
Result<Settings> load_settings(const SettingsPaths& paths);

}  // namespace hostmedic
