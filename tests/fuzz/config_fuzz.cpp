// SPDX-License-Identifier: Apache-2.0
// Input: the text of a configuration file. The same bytes are read as each kind of file; whatever they are, the answer
// is a configuration or diagnostics that are bounded and printable.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "agent/config/agent_config.h"
#include "agent/config/aggregator_config.h"
#include "agent/config/policy_config.h"
#include "agent/config/runbook_config.h"

namespace {
void check(const std::vector<hostmedic::Diagnostic>& diagnostics) {
  if (diagnostics.size() > hostmedic::kMostDiagnostics + 1) std::abort();
  for (const hostmedic::Diagnostic& diagnostic : diagnostics) {
    const std::string text = to_string(diagnostic);
    if (hostmedic::printable(text, 4096) != text) std::abort();
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(hostmedic::parse_agent_config(text, "fuzz").diagnostics);
  check(hostmedic::parse_policy(text, "fuzz").diagnostics);
  check(hostmedic::parse_aggregator_config(text, "fuzz").diagnostics);
  static const std::vector<std::string> kinds = hostmedic::incident_kinds(hostmedic::detect::default_engine_config());
  check(hostmedic::parse_runbook(text, "fuzz", kinds).diagnostics);
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  return {
      "[agent]\nstate_dir = \"/a\"\n[store]\nmost_size = \"1GiB\"\n[[rule]]\nid = \"filesystem-full\"\n"
      "params = { limit = 0.95, hold = \"7s\" }\n",
      "tier = \"auto\"\n[guard]\ncooldown = \"1m\"\nprotected = [\"a\", 'b']\n[[exclusion]]\nname = \"n\"\n"
      "days = [\"mon\"]\nfrom = \"22:00\"\n",
      "name = \"r\"\nkinds = [\"k\"]\nnotes = \"\"\"\nx\n\"\"\"\n[[step]]\naction = \"service.restart\"\n"
      "[step.verify]\ncheck = \"unit_active\"\nsettle = \"1s\"\n",
      "name = \"r\"\nkinds = [\"service.faild\"]\nwhen = \"error_rate > 5% for 30s\"\nnot_while = [\"backup\"]\n"
      "choose = \"success\"\ncooldown = \"1m\"\ntouched_most = 2\n[[require]]\ncondition = '''\nstage is test'''\nwhy "
      "= \"w\"\n"
      "[[step]]\naction = \"service.restart\"\nundo = false\n[step.verify]\ncheck = \"condition\"\n"
      "condition = \"known(system.uptime@host)\"\n",
      "listen = \"[::1]:4318\"\nx = 1979-05-27T07:32:00Z\ny = 0x1F\nz = [[1], {a.b = 1e9}]\n",
  };
}
