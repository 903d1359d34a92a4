// SPDX-License-Identifier: Apache-2.0
// Input: the text of a policy. Whatever it is, the answer is a policy or diagnostics that are bounded and printable.
#include <string>
#include <vector>

#include "agent/config/policy_config.h"
#include "config_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hostmedic::fuzz::check_diagnostics(
      hostmedic::parse_policy({reinterpret_cast<const char*>(data), size}, "fuzz").diagnostics);
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  return {
      "tier = \"auto\"\n[guard]\ncooldown = \"1m\"\nprotected = [\"a\", 'b']\n[[exclusion]]\nname = \"n\"\n"
      "days = [\"mon\"]\nfrom = \"22:00\"\n",
      "tier = \"observe\"\n[tiers]\n\"service:*\" = \"auto\"\n[guard]\nnever_block = [\"10.0.0.0/8\", \"::1\"]\n",
  };
}
