// SPDX-License-Identifier: Apache-2.0
// Words of a condition, read one by one. Internal to the parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "detect/rules/quantity.h"

namespace hostmedic::detect {

struct Token {
  enum class Kind : std::uint8_t { end, number, clock, name, quoted, symbol, wrong };
  Kind kind = Kind::end;
  std::size_t begin = 0, end = 0;
  std::string_view text;  // of the source; of a quoted one without its quotes
  double number = 0;
  Dimension dimension;
  bool duration = false;  // a number that is a time
  int minute = 0;         // of a clock
  std::string fault;      // of a wrong one: why

  bool is(std::string_view word) const { return (kind == Kind::name || kind == Kind::symbol) && text == word; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { read(); }

  const Token& peek() const { return token_; }
  Token take();
  // Reads again from the next word on: letters as they stand in names of entities and in globs, or a quoted text.
  Token take_pattern();
  std::size_t last_end() const { return last_end_; }

 private:
  void read();
  void read_number();
  void read_quoted();
  void per_time();
  char at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }
  void wrong(std::string fault);

  std::string_view text_;
  std::size_t position_ = 0, last_end_ = 0;
  Token token_;
};

}  // namespace hostmedic::detect
