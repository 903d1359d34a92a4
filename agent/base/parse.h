// SPDX-License-Identifier: Apache-2.0
// Checked conversions from text. Each takes the whole text or fails: no leading blanks, no trailing junk, no overflow.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

Result<std::uint64_t> parse_u64(std::string_view text, int base = 10);
Result<std::int64_t> parse_i64(std::string_view text);
Result<double> parse_double(std::string_view text);  // finite only
// "250ms", "30s", "5m", "2h", "7d", "1h30m". The unit is required ("0" alone is refused); at most 100 years.
Result<Duration> parse_duration(std::string_view text);
// "512B", "64KiB", "64MiB", "2GiB", "1TiB". The unit is required.
Result<Bytes> parse_bytes(std::string_view text);

// Walks blank-separated text without copying; for /proc files.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  // The next line without its newline. Empty at the end and for an empty line; ask at_end().
  std::string_view line();
  // The next word of the present text, skipping blanks and tabs; empty if none is left before a newline or the end.
  std::string_view word();
  Result<std::uint64_t> u64() { return parse_u64(word()); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace hostmedic
