// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/access_log.h"

#include <algorithm>
#include <cstddef>

#include "agent/base/parse.h"

namespace hostmedic {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr double kLongestRequest = 86400;   // a number beyond this is something else
constexpr std::size_t kFarthestTime = 512;  // addresses and a user come before it

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

// The next field after blanks: a word, or what is between quotes (with its escapes); ret_quoted says which.
std::string_view next_field(std::string_view& rest, bool& ret_quoted) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  ret_quoted = rest.starts_with('"');
  if (!ret_quoted) {
    const std::string_view word = rest.substr(0, std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(word.size());
    return word;
  }
  std::size_t end = 1;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  end = std::min(end, rest.size());
  const std::string_view text = rest.substr(1, end - 1);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

std::optional<double> seconds_of(std::string_view field) {
  for (const std::string_view key : {"rt=", "request_time="}) {
    if (field.starts_with(key)) field.remove_prefix(key.size());
  }
  const std::size_t point = field.find('.');
  if (point == npos || !all_digits(field.substr(0, point)) || !all_digits(field.substr(point + 1))) return std::nullopt;
  const auto value = parse_double(field);
  return value && *value <= kLongestRequest ? std::optional(*value) : std::nullopt;
}

std::optional<double> seconds_after(std::string_view rest) {
  std::string_view last;
  while (!rest.empty()) {
    bool quoted = false;
    const std::string_view field = next_field(rest, quoted);
    if (const auto seconds = seconds_of(field); seconds) return seconds;
    if (!field.empty()) last = quoted ? std::string_view() : field;
  }
  if (!all_digits(last)) return std::nullopt;
  const auto micros = parse_u64(last);
  if (!micros || static_cast<double>(*micros) > kLongestRequest * 1e6) return std::nullopt;
  return static_cast<double>(*micros) * 1e-6;
}

// "[21/Nov/2026:10:00:00 +0000]": where the brackets are is fixed, so that other bracketed text is not taken for it.
bool is_time(std::string_view text) {
  return text.size() >= 22 && text[0] == '[' && is_digit(text[1]) && text[3] == '/' && text[7] == '/' &&
         text[12] == ':';
}

}  // namespace

std::optional<AccessRecord> parse_access_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  const std::size_t time = line.find(" [");
  if (time == npos || time == 0 || time > kFarthestTime || !is_time(line.substr(time + 1))) return std::nullopt;
  const std::size_t closed = line.find(']', time);
  if (closed == npos) return std::nullopt;
  std::string_view rest = line.substr(closed + 1);
  bool quoted = false;
  (void)next_field(rest, quoted);  // the request line
  if (!quoted) return std::nullopt;
  bool plain = false;
  const std::string_view status = next_field(rest, plain);
  const std::string_view bytes = next_field(rest, plain);
  if (status.size() != 3 || !all_digits(status) || status[0] < '1' || status[0] > '5') return std::nullopt;
  if (bytes != "-" && !all_digits(bytes)) return std::nullopt;

  AccessRecord record;
  record.status = static_cast<unsigned>(status[0] - '0') * 100 + static_cast<unsigned>(status[1] - '0') * 10 +
                  static_cast<unsigned>(status[2] - '0');
  if (bytes != "-") {
    const auto count = parse_u64(bytes);
    if (!count) return std::nullopt;
    record.bytes = *count;
  }
  record.seconds = seconds_after(rest);
  return record;
}

}  // namespace hostmedic
