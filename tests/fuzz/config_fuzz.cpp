// SPDX-License-Identifier: Apache-2.0
// Input: the text of a configuration file, of the agent and of the aggregator. Whatever it is, the answer is a
// configuration or diagnostics that are bounded and printable.
#include <string>
#include <vector>

#include "agent/config/agent_config.h"
#include "agent/config/aggregator_config.h"
#include "config_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hostmedic::fuzz::check_diagnostics(hostmedic::parse_agent_config(text, "fuzz").diagnostics);
  hostmedic::fuzz::check_diagnostics(hostmedic::parse_aggregator_config(text, "fuzz").diagnostics);
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  return {
      "[agent]\nstate_dir = \"/a\"\n[store]\nmost_size = \"1GiB\"\n[[rule]]\nid = \"filesystem-full\"\n"
      "params = { limit = 0.95, hold = \"7s\" }\n",
      "listen = \"[::1]:4318\"\nx = 1979-05-27T07:32:00Z\ny = 0x1F\nz = [[1], {a.b = 1e9}]\n",
  };
}
