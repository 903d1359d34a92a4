// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/cgroup.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Result<std::uint64_t> parse_cgroup_cpu_stat(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    if (line.word() != "usage_usec") continue;
    const std::uint64_t usage_us = line.need("usage_usec");
    if (line.failed()) return std::move(line).error();
    return usage_us;
  }
  return make_error(ErrorCode::malformed, "no usage_usec");
}

Result<std::uint64_t> parse_cgroup_number(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  text.remove_suffix(1);
  auto value = parse_u64(text);
  if (!value) return line_error(1, "value", std::move(value).error());
  return value;
}

Result<std::uint64_t> parse_cgroup_tasks(std::string_view text) {
  if (text.empty()) return std::uint64_t{0};
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  std::uint64_t count = 0;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    line.skip("task id");
    if (line.failed()) return std::move(line).error();
    ++count;
  }
  return count;
}

}  // namespace hostmedic
