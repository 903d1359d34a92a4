// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/pressure.h"

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

Result<std::uint64_t> total_of(Columns& line, std::string_view kind) {
  constexpr std::string_view kKey = "total=";
  for (std::string_view word = line.word(); !word.empty(); word = line.word()) {
    if (!word.starts_with(kKey)) continue;
    auto value = parse_u64(word.substr(kKey.size()));
    if (!value) return line_error(line.number(), kind, std::move(value).error().in("total"));
    return *value;
  }
  return line_error(line.number(), kind, "no total=");
}

}  // namespace

Result<Pressure> parse_pressure(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  Pressure pressure;
  bool have_some = false;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    const std::string_view kind = line.word();
    if (kind != "some" && kind != "full") continue;
    auto total = total_of(line, kind);
    if (!total) return std::move(total).error();
    if (kind == "some") {
      pressure.some_us = *total;
      have_some = true;
    } else {
      pressure.full_us = *total;
    }
  }
  if (!have_some) return make_error(ErrorCode::malformed, "no some line");
  return pressure;
}

}  // namespace hostmedic
