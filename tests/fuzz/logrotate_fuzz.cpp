// SPDX-License-Identifier: Apache-2.0
// Drives the readers of logrotate's configuration and of /proc/PID/cgroup. Input: a file.
// What must hold: no crash, bounded results, absolute patterns, matching that ends, a unit inside the text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/parse/logrotate.h"
#include "probes/parse/process_unit.h"

using namespace hostmedic;

std::vector<std::string> hm_fuzz_seeds() {
  return {"/var/log/*.log \"/a b\" {\n weekly\n postrotate\n }\n endscript\n}\ninclude /etc/x\n",
          "/a\n'/b[0-9]'\n{\n}\n~/c{ x\n}\n", "0::/system.slice/nginx.service\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view unit = parse_process_unit(text);
  if (!unit.empty() && (unit.data() < text.data() || unit.data() + unit.size() > text.data() + size)) __builtin_trap();
  const auto config = parse_logrotate(text);
  if (!config) return 0;
  if (config->patterns.size() > kMostLogrotatePatterns || config->includes.size() > kMostLogrotateIncludes) {
    __builtin_trap();
  }
  for (const std::string& pattern : config->patterns) {
    if (!pattern.starts_with('/')) __builtin_trap();
    (void)logrotate_covers(pattern, "/var/log/nginx/access.log");
    (void)logrotate_covers(pattern, text.substr(0, 256));
  }
  return 0;
}
