// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/log_line.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace hostmedic {
namespace {

constexpr std::size_t kHead = 160;  // how far into a line a logger puts its severity
constexpr int kMostHeadWords = 8;   // time, host, program, thread and the like come before it
constexpr auto npos = std::string_view::npos;

struct Word {
  std::string_view text;  // lower case
  LogSeverity severity;
};
constexpr Word kWords[] = {
    {"info", LogSeverity::info},    {"error", LogSeverity::error},   {"warn", LogSeverity::warn},
    {"warning", LogSeverity::warn}, {"debug", LogSeverity::debug},   {"notice", LogSeverity::info},
    {"fatal", LogSeverity::fatal},  {"err", LogSeverity::error},     {"critical", LogSeverity::fatal},
    {"crit", LogSeverity::fatal},   {"alert", LogSeverity::fatal},   {"emerg", LogSeverity::fatal},
    {"panic", LogSeverity::fatal},  {"trace", LogSeverity::trace},   {"severe", LogSeverity::error},
    {"log", LogSeverity::info},     {"note", LogSeverity::info},     {"system", LogSeverity::info},
    {"dbug", LogSeverity::debug},   {"eror", LogSeverity::error},    {"emergency", LogSeverity::fatal},
    {"fine", LogSeverity::debug},   {"verbose", LogSeverity::trace}, {"informational", LogSeverity::info},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alpha(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equals_lower(std::string_view word, std::string_view lower_case) {
  return word.size() == lower_case.size() &&
         std::equal(word.begin(), word.end(), lower_case.begin(), [](char a, char b) { return lower(a) == b; });
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view next_word(std::string_view& rest) {
  rest = without_blanks(rest);
  const std::string_view word = rest.substr(0, std::min(rest.find_first_of(" \t"), rest.size()));
  rest.remove_prefix(word.size());
  return word;
}

// "Nov", "Fri".
bool is_calendar_word(std::string_view word) {
  constexpr std::string_view kNames = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun ";
  if (word.ends_with(',')) word.remove_suffix(1);
  return word.size() == 3 && is_upper(word[0]) && kNames.find(word) % 4 == 0;
}

// "2026-11-21T10:00:00.123Z", "10:00:00,5", "21/Nov/2026:10:00:00": digits that are joined as in a time or a date.
bool is_time_word(std::string_view word) {
  std::size_t digits = 0, joints = 0, letters = 0;
  for (const char c : word) {
    if (is_digit(c))
      ++digits;
    else if (c == ':' || c == '-' || c == '/')
      ++joints;
    else if (is_alpha(c))
      ++letters;
    else if (c != '.' && c != ',' && c != '+')
      return false;
  }
  return digits >= 4 && joints >= 1 && letters <= 3 && (letters == 0 || digits >= 6) && is_digit(word[0]);
}

// Steps over a time at the head: bare or in brackets, of any number of words. Leaves a line without one as it is.
std::string_view without_time(std::string_view line) {
  std::string_view rest = line;
  bool clock = false, month = false;
  for (int words = 0; words < 6; ++words) {
    std::string_view after = rest, word = next_word(after);
    while (word.starts_with('[')) word.remove_prefix(1);
    while (word.ends_with(']') || word.ends_with(',')) word.remove_suffix(1);
    if (word.empty()) break;
    const bool zone =
        clock && (word == "UTC" || word == "GMT" ||
                  (word.size() == 5 && (word[0] == '+' || word[0] == '-') && is_digit(word[1]) && is_digit(word[4])));
    const bool number = month && word.size() <= 4 && std::all_of(word.begin(), word.end(), is_digit);
    if (is_calendar_word(word))
      month = true;
    else if (is_time_word(word))
      clock = true;
    else if (!zone && !number)
      break;
    rest = after;
  }
  return clock ? without_blanks(rest) : line;
}

// "<13>" at the head, as syslog and the standard error of services under systemd have it.
LogSeverity take_priority(std::string_view& line) {
  if (line.size() < 3 || line[0] != '<') return LogSeverity::unspecified;
  unsigned value = 0;
  std::size_t at = 1;
  while (at < line.size() && at < 4 && is_digit(line[at])) value = value * 10 + static_cast<unsigned>(line[at++] - '0');
  if (at == 1 || at >= line.size() || line[at] != '>') return LogSeverity::unspecified;
  line.remove_prefix(at + 1);
  return severity_of_priority(value % 8);
}

// The text of a JSON string that begins after the quote, escapes as they are; ret_rest: what follows it.
std::string_view json_text(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return text.substr(0, std::min(end, text.size()));
}

// The value of the first of the keys that the line has; empty if it has none.
std::string_view json_value(std::string_view line, std::string_view quoted_key) {
  for (std::size_t at = line.find(quoted_key); at != npos; at = line.find(quoted_key, at + 1)) {
    std::string_view rest = without_blanks(line.substr(at + quoted_key.size()));
    if (!rest.starts_with(':')) continue;
    rest = without_blanks(rest.substr(1));
    if (rest.starts_with('"')) return json_text(rest.substr(1));
    return rest.substr(0, std::min(rest.find_first_of(",} \t"), rest.size()));
  }
  return {};
}

LogLine parse_json(std::string_view line) {
  LogLine parsed{LogSeverity::unspecified, line};
  for (const std::string_view key : {"\"level\"", "\"severity\"", "\"lvl\"", "\"log.level\"", "\"levelname\""}) {
    const std::string_view value = json_value(line, key);
    if (value.empty()) continue;
    parsed.severity = severity_of_word(value);
    // pino and bunyan: 10 trace ... 60 fatal.
    if (value.size() == 2 && value[1] == '0' && value[0] >= '1' && value[0] <= '6')
      parsed.severity = static_cast<LogSeverity>(value[0] - '0');
    if (parsed.severity != LogSeverity::unspecified) break;
  }
  for (const std::string_view key : {"\"msg\"", "\"message\"", "\"MESSAGE\"", "\"event\""}) {
    const std::string_view value = json_value(line, key);
    if (value.empty()) continue;
    parsed.message = value;
    break;
  }
  return parsed;
}

// level=warn
LogSeverity logfmt_severity(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == npos) return LogSeverity::unspecified;
  const std::string_view key = word.substr(0, equals);
  if (key != "level" && key != "lvl" && key != "severity") return LogSeverity::unspecified;
  std::string_view value = word.substr(equals + 1);
  if (value.starts_with('"')) value = json_text(value.substr(1));
  return severity_of_word(value);
}

// A word as a logger writes a severity: in capitals, in brackets or before a colon; "[core:error]", "ERROR:", "(warn)".
LogSeverity head_severity(std::string_view word) {
  const bool bracketed = word.starts_with('[') || word.starts_with('(') || word.starts_with('<');
  const bool colon = word.ends_with(':');
  const auto strip = [](char c) { return !is_alpha(c); };
  while (!word.empty() && strip(word.front())) word.remove_prefix(1);
  while (!word.empty() && strip(word.back())) word.remove_suffix(1);
  if (bracketed && word.find(':') != npos) word.remove_prefix(word.rfind(':') + 1);
  if (word.size() < 3) return LogSeverity::unspecified;
  const bool capitals = std::all_of(word.begin(), word.end(), is_upper);
  return bracketed || colon || capitals ? severity_of_word(word) : LogSeverity::unspecified;
}

// "E1121 10:00:00.123456 ...": glog and klog.
LogSeverity glog_severity(std::string_view line) {
  if (line.size() < 6 || line[5] != ' ' || !std::all_of(line.begin() + 1, line.begin() + 5, is_digit))
    return LogSeverity::unspecified;
  switch (line[0]) {
    case 'I': return LogSeverity::info;
    case 'W': return LogSeverity::warn;
    case 'E': return LogSeverity::error;
    case 'F': return LogSeverity::fatal;
    default: return LogSeverity::unspecified;
  }
}

LogSeverity text_severity(std::string_view message) {
  if (const LogSeverity glog = glog_severity(message); glog != LogSeverity::unspecified) return glog;
  if (message.starts_with("Traceback (most recent call last)") || message.starts_with("Exception in thread"))
    return LogSeverity::error;
  std::string_view rest = message.substr(0, kHead);
  for (int words = 0; words < kMostHeadWords; ++words) {
    const std::string_view word = next_word(rest);
    if (word.empty()) break;
    if (const LogSeverity found = head_severity(word); found != LogSeverity::unspecified) return found;
    if (const LogSeverity found = logfmt_severity(word); found != LogSeverity::unspecified) return found;
  }
  return LogSeverity::unspecified;
}

}  // namespace

std::string_view to_string(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::unspecified: return "UNSPECIFIED";
    case LogSeverity::trace: return "TRACE";
    case LogSeverity::debug: return "DEBUG";
    case LogSeverity::info: return "INFO";
    case LogSeverity::warn: return "WARN";
    case LogSeverity::error: return "ERROR";
    case LogSeverity::fatal: return "FATAL";
  }
  return "UNSPECIFIED";
}

LogSeverity severity_of_priority(unsigned priority) {
  constexpr std::array kOf{LogSeverity::fatal, LogSeverity::fatal, LogSeverity::fatal, LogSeverity::error,
                           LogSeverity::warn,  LogSeverity::info,  LogSeverity::info,  LogSeverity::debug};
  return priority < kOf.size() ? kOf[priority] : LogSeverity::unspecified;
}

LogSeverity severity_of_word(std::string_view word) {
  for (const Word& known : kWords) {
    if (equals_lower(word, known.text)) return known.severity;
  }
  return LogSeverity::unspecified;
}

LogLine parse_log_line(std::string_view line) {
  const LogSeverity priority = take_priority(line);
  std::string_view message = without_time(without_blanks(line));
  LogLine parsed = message.starts_with('{') ? parse_json(message) : LogLine{text_severity(message), message};
  if (priority != LogSeverity::unspecified) parsed.severity = priority;
  return parsed;
}

bool RecordJoiner::continues(std::string_view line) {
  const bool indented = line.empty() || is_blank(line.front());
  if (traceback_ && !indented) {
    traceback_ = false;  // "ValueError: ..." is its last line
    return true;
  }
  if (!indented && line.find("Traceback (most recent call last)") != npos) {
    traceback_ = true;
    return false;
  }
  if (indented || line.starts_with("Caused by:") || line.starts_with("Suppressed:") || line.starts_with("... "))
    return true;
  if (line.starts_with("at ") && line.find('(') != npos) return true;
  return line.find_first_not_of("}]), \t\r") == npos;
}

}  // namespace hostmedic
