// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/settings.h"

#include "agent/base/log.h"
#include "agent/config/policy_config.h"
#include "agent/config/runbook_config.h"

namespace hostmedic {
namespace {

void note(const std::vector<Diagnostic>& diagnostics, std::string& ret_first_fault) {
  for (const Diagnostic& diagnostic : diagnostics) {
    const std::string text = to_string(diagnostic);
    log_line(diagnostic.error ? LogLevel::error : LogLevel::notice, text);
    if (diagnostic.error && ret_first_fault.empty()) ret_first_fault = text;
  }
}

}  // namespace

Result<Settings> load_settings(const SettingsPaths& paths) {
  auto agent = load_agent_config(paths.agent);
  // Not required to be root's here: the actuator, which acts by its own reading of it, requires that.
  auto policy = load_policy(paths.policy, false);
  auto runbooks = load_runbooks(paths.runbook_dirs, incident_kinds(agent.config.engine));
  std::string fault;
  note(agent.diagnostics, fault);
  note(policy.diagnostics, fault);
  note(runbooks.diagnostics, fault);
  if (!fault.empty()) return make_error(ErrorCode::malformed, fault);
  return Settings{std::move(agent.config), std::move(policy.config), std::move(runbooks.config)};
}

}  // namespace hostmedic
