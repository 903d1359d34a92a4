// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/interrupts.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Result<std::optional<std::uint64_t>> parse_interrupt_row(std::string_view text, std::string_view name) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  TextCursor cursor(text);
  while (!cursor.at_end()) {
    TextCursor line(cursor.line());
    std::string_view word = line.word();
    if (!word.ends_with(':')) continue;
    word.remove_suffix(1);
    if (word != name) continue;
    std::uint64_t sum = 0;
    for (word = line.word(); !word.empty(); word = line.word()) {
      const auto count = parse_u64(word);
      if (!count) break;  // the row's description
      if (__builtin_add_overflow(sum, *count, &sum)) return make_error(ErrorCode::malformed, "too large").in(name);
    }
    return std::optional(sum);
  }
  return std::optional<std::uint64_t>();
}

}  // namespace hostmedic
