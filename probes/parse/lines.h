// SPDX-License-Identifier: Apache-2.0
// What the parsers of kernel text share: whole lines, numbered columns, errors that name line and item.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "agent/base/parse.h"
#include "agent/base/result.h"
#include "agent/base/text.h"

namespace hostmedic {

// The kernel ends every line it prints. Text that does not was cut somewhere, perhaps inside a number.
inline Status require_whole_lines(std::string_view text) {
  if (text.empty()) return make_error(ErrorCode::malformed, "empty");
  if (text.back() != '\n') return make_error(ErrorCode::malformed, "cut off: the last line has no end");
  return ok();
}

inline Error line_error(unsigned line, std::string_view item, Error error) {
  return std::move(error).in(item).in(strf("line %u", line));
}
inline Error line_error(unsigned line, std::string_view item, std::string_view what) {
  return line_error(line, item, make_error(ErrorCode::malformed, std::string(what)));
}

// Takes the next column of a line as a number. On failure ret_error is set and the value is 0.
class Columns {
 public:
  Columns(std::string_view line, unsigned number) : cursor_(line), number_(number) {}

  std::string_view word() { return cursor_.word(); }
  bool at_end() const { return trim(cursor_.rest()).empty(); }
  unsigned number() const { return number_; }

  // A column that must be there. scale is multiplied in, checked for overflow. After the first failure every further
  // call returns 0 and keeps that first error.
  std::uint64_t need(std::string_view item, std::uint64_t scale = 1) {
    if (error_) return 0;
    const std::string_view text = cursor_.word();
    if (text.empty()) {
      error_ = line_error(number_, item, "missing");
      return 0;
    }
    auto value = parse_u64(text);
    if (!value) {
      error_ = line_error(number_, item, std::move(value).error());
      return 0;
    }
    if (*value > std::numeric_limits<std::uint64_t>::max() / scale) {
      error_ = line_error(number_, item, "too large");
      return 0;
    }
    return *value * scale;
  }
  // A column that older kernels do not print.
  std::optional<std::uint64_t> maybe(std::string_view item, std::uint64_t scale = 1) {
    if (error_ || at_end()) return std::nullopt;
    return need(item, scale);
  }
  void skip(std::string_view item) { (void)need(item); }  // only its form is of interest

  bool failed() const { return error_.has_value(); }
  Error error() && { return std::move(*error_); }

 private:
  TextCursor cursor_;
  unsigned number_;
  std::optional<Error> error_;
};

}  // namespace hostmedic
