// SPDX-License-Identifier: Apache-2.0
// Drives what reads lines of logs. Input: any bytes, split at line ends. What must hold: no read outside the line,
// messages inside it, bounded templates and tokens, numbers within their ranges.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/log/mask.h"
#include "probes/log/template_miner.h"
#include "probes/parse/access_log.h"
#include "probes/parse/log_line.h"

using namespace hostmedic;

namespace {
void check(bool holds) {
  if (!holds) __builtin_trap();
}
bool inside(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}
}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  return {"192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 612 \"-\" \"a \\\"b\" 0.123",
          "{\"level\":\"warn\",\"msg\":\"a \\\"b\\\" c\",\"n\":50}\n{\"severity\":50}",
          "[Fri Nov 21 10:00:00.123456 2026] [core:warn] [pid 12] AH00094: x\n\tat a.b(C.java:3)\nCaused by: y",
          "<13>Nov 21 10:00:00 h sshd[3]: from 10.0.0.1 fe80::1 123e4567-e89b-12d3-a456-426614174000 /var/x 12:00:00",
          "Traceback (most recent call last):\n  File\nValueError: password=a token: b http://u:p@h/ 0xff"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  static log::TemplateMiner miner;  // kept over inputs, so that it fills
  RecordJoiner joiner;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const LogLine parsed = parse_log_line(line);
    check(inside(parsed.message, line) && static_cast<int>(parsed.severity) < kLogSeverityCount);
    (void)joiner.continues(line);
    if (const auto access = parse_access_line(line)) {
      check(access->status >= 100 && access->status < 600);
      check(!access->seconds || (*access->seconds >= 0 && *access->seconds <= 86400));
    }
    const auto match = miner.take(parsed.message);
    check(match.index < miner.size() && miner.size() <= log::kMostTemplates);
    check(miner.text(match.index).size() <= log::kMostTokens * (log::kLongestToken + 1) + 3);
    (void)log::redacted(line);
  }
  return 0;
}
