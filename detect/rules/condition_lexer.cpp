// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/condition_lexer.h"

#include <array>

#include "agent/base/parse.h"

namespace hostmedic::detect {

namespace {
using Kind = Token::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool in_pattern(char c) {
  return is_letter(c) || is_digit(c) || std::string_view("-.:/*?@%+\\").find(c) != std::string_view::npos;
}

struct Span {
  std::string_view name;
  double seconds;
};
constexpr std::array kSpans{Span{"s", 1}, Span{"min", 60}, Span{"m", 60}, Span{"h", 3600}, Span{"d", 86400}};
}  // namespace

void Lexer::wrong(std::string fault) {
  token_.kind = Kind::wrong;
  token_.fault = std::move(fault);
}

Token Lexer::take() {
  Token taken = std::move(token_);
  last_end_ = taken.end;
  read();
  return taken;
}

void Lexer::read() {
  while (is_space(at(position_))) ++position_;
  token_ = {};
  token_.begin = position_;
  const char c = at(position_);
  if (position_ >= text_.size()) {
    token_.kind = Kind::end;
  } else if (is_digit(c)) {
    read_number();
  } else if (c == '"' || c == '\'') {
    read_quoted();
  } else if (is_letter(c)) {
    token_.kind = Kind::name;
    while (is_letter(at(position_)) || is_digit(at(position_)) ||
           (at(position_) == '.' && (is_letter(at(position_ + 1)) || is_digit(at(position_ + 1)))))
      ++position_;
  } else {
    token_.kind = Kind::symbol;
    ++position_;
    if (std::string_view("<>=!").find(c) != std::string_view::npos && at(position_) == '=') ++position_;
    if (std::string_view("<>=!(){},@+-*/").find(c) == std::string_view::npos) wrong("a character that means nothing");
  }
  token_.end = position_;
  if (token_.kind != Kind::quoted) token_.text = text_.substr(token_.begin, token_.end - token_.begin);
}

void Lexer::read_quoted() {
  const char quote = at(position_);
  const auto close = text_.find(quote, position_ + 1);
  if (close == std::string_view::npos) {
    position_ = text_.size();
    return wrong("a quotation that does not end");
  }
  token_.kind = Kind::quoted;
  token_.text = text_.substr(position_ + 1, close - position_ - 1);
  position_ = close + 1;
}

// "22:00", "90%", "10MiB/s", "1h30m", "85C", "4"
void Lexer::read_number() {
  while (is_digit(at(position_)) || is_letter(at(position_)) || at(position_) == '%' ||
         (at(position_) == '.' && is_digit(at(position_ + 1))))
    ++position_;
  std::string_view word = text_.substr(token_.begin, position_ - token_.begin);
  token_.kind = Kind::number;
  if (at(position_) == ':') {
    const std::string_view minutes = text_.substr(position_ + 1, 2);
    position_ += 1 + minutes.size();
    const auto hour = parse_u64(word), minute = parse_u64(minutes);
    const bool wrong_form = word.size() > 2 || minutes.size() != 2 || is_digit(at(position_));
    if (wrong_form || !hour || !minute || *hour * 60 + *minute > 24 * 60 || *minute > 59)
      return wrong("expected a time of the day such as 22:00");
    token_.kind = Kind::clock;
    token_.minute = static_cast<int>(*hour * 60 + *minute);
    return;
  }
  const auto number = parse_double(word.substr(0, word.find_first_not_of("0123456789.")));
  const std::string_view unit = word.substr(std::min(word.size(), word.find_first_not_of("0123456789.")));
  if (unit.empty() && number) {
    token_.number = *number;
    token_.dimension.any = *number == 0;
  } else if (unit == "%" && number) {
    token_.number = *number / 100;
    token_.dimension.plain = Dimension::Plain::ratio;
  } else if (unit == "C" && number) {
    token_.number = *number;
    token_.dimension.celsius = 1;
  } else if (const auto time = parse_duration(word)) {
    token_.number = to_seconds(*time);
    token_.dimension.seconds = 1;
    token_.duration = true;
  } else if (const auto bytes = parse_bytes(word)) {
    token_.number = static_cast<double>(bytes->count);
    token_.dimension.bytes = 1;
  } else {
    return wrong("expected a number such as 4, 90%, 30s, 64MiB, 10MiB/s, 5/min or 85C");
  }
  per_time();
}

// "/s" directly behind a number belongs to it.
void Lexer::per_time() {
  if (at(position_) != '/') return;
  std::size_t end = position_ + 1;
  while (is_letter(at(end))) ++end;
  const std::string_view name = text_.substr(position_ + 1, end - position_ - 1);
  for (const Span& span : kSpans) {
    if (span.name != name) continue;
    token_.number /= span.seconds;
    token_.dimension.seconds = static_cast<std::int8_t>(token_.dimension.seconds - 1);
    token_.dimension.any = false;
    token_.duration = false;
    position_ = end;
    return;
  }
}

Token Lexer::take_pattern() {
  Token taken;
  taken.begin = taken.end = token_.begin;
  if (token_.kind == Kind::quoted || token_.kind == Kind::end) return take();
  position_ = token_.begin;
  while (in_pattern(at(position_))) ++position_;
  taken.kind = Kind::quoted;
  taken.end = last_end_ = position_;
  taken.text = text_.substr(taken.begin, taken.end - taken.begin);
  if (taken.text.empty()) {
    taken.kind = Kind::wrong;
    taken.fault = "expected a pattern";
    taken.end = taken.begin + 1;
  }
  read();
  return taken;
}

}  // namespace hostmedic::detect
