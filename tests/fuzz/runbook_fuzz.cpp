// SPDX-License-Identifier: Apache-2.0
// Input: the text of a runbook. Whatever it is, the answer is a runbook or diagnostics that are bounded and printable.
#include <string>
#include <vector>

#include "agent/config/runbook_config.h"
#include "config_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hostmedic;
  static const std::vector<std::string> kinds = incident_kinds(detect::default_engine_config());
  fuzz::check_diagnostics(parse_runbook({reinterpret_cast<const char*>(data), size}, "fuzz", kinds).diagnostics);
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  return {
      "name = \"r\"\nkinds = [\"k\"]\nnotes = \"\"\"\nx\n\"\"\"\n[[step]]\naction = \"service.restart\"\n"
      "[step.verify]\ncheck = \"unit_active\"\nsettle = \"1s\"\n",
      "name = \"r\"\nkinds = [\"service.faild\"]\nwhen = \"error_rate > 5% for 30s\"\nnot_while = [\"backup\"]\n"
      "choose = \"success\"\ncooldown = \"1m\"\ntouched_most = 2\n[[require]]\ncondition = '''\nstage is test'''\nwhy "
      "= \"w\"\n"
      "[[step]]\naction = \"service.restart\"\nundo = false\n[step.verify]\ncheck = \"condition\"\n"
      "condition = \"known(system.uptime@host)\"\n",
  };
}
