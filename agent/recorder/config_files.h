// SPDX-License-Identifier: Apache-2.0
// The configuration that decided, as the texts it was read from: kept in each segment, so that a recording can be
// played on another host. Reads and writes files; a thread that may wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actions/guard/guard.h"
#include "actions/runbook/runbook.h"
#include "agent/base/result.h"
#include "agent/config/agent_config.h"

namespace hostmedic {

struct ConfigPlaces {
  AgentConfigPaths agent;
  std::string policy;
  std::vector<std::string> runbook_dirs;
};

struct ConfigFile {
  std::string name;  // below the places: "hostmedic.toml", "conf.d/x.toml", "policy.toml", "runbooks/0/x.toml"
  std::string text;
  std::string from = {};  // the file that it was
};

// Files that are not there or cannot be read are left out.
std::vector<ConfigFile> collect_config(const ConfigPlaces& places);
std::string encode_config(const std::vector<ConfigFile>& files);
Result<std::vector<ConfigFile>> decode_config(std::string_view bytes);

// All that decides besides the state.
struct DecidingConfig {
  AgentConfig agent;
  guard::Policy policy;
  std::vector<Runbook> runbooks;
};
// Puts them into a directory of its own for the while, below $TMPDIR or /tmp. The error names the first fault.
Result<DecidingConfig> load_config(const std::vector<ConfigFile>& files);

}  // namespace hostmedic
