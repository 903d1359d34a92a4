// SPDX-License-Identifier: Apache-2.0
// Drives the readers of what apt prints, of what a change is called, and of control groups. What must hold: no crash,
// and names that are safe on a command line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/deleted_files/effect_holders.h"
#include "actions/catalog/package_rollback/versions.h"
#include "actions/catalog/plan_check.h"

using namespace hostmedic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto upgrade = upgrade_from(text)) {
    for (const std::string& word : {upgrade->package, upgrade->from, upgrade->to})
      if (word.empty() || word.front() == '-' || word.find_first_of(" =/;$\n") != std::string::npos) __builtin_trap();
  }
  const std::string why = why_held_back(text, "hm-demo", "1.0");
  if (why.find('\n') != std::string::npos || why.find('\x1b') != std::string::npos || why.size() > 200)
    __builtin_trap();
  if (const std::string unit = service_of_cgroups(text); !unit.empty() && !is_service_unit(unit)) __builtin_trap();
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  return {"package hm-demo was upgraded from 1.0 to 2.0, by apt",
          "Inst hm-demo [2.0] (1.0 local [all])\nRemv other [1]\n",
          "0::/system.slice/nginx.service\n1:name=systemd:/a.service\n"};
}
