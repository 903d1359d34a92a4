// SPDX-License-Identifier: Apache-2.0
// What a line of a log says of itself: how severe it is, where its message begins, and whether it goes on with the
// record before it. Knows syslog, JSON, logfmt and what nginx, Apache, PostgreSQL, MySQL, glog and the common logging
// libraries write. Pure, allocates nothing; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace hostmedic {

// The severities of OpenTelemetry's log records.
enum class LogSeverity : std::uint8_t { unspecified, trace, debug, info, warn, error, fatal };
inline constexpr int kLogSeverityCount = 7;
std::string_view to_string(LogSeverity severity);  // "WARN"; "UNSPECIFIED" for a line that does not tell

// Of syslog(3) and journald, 0..7. Larger is unspecified. Notices are INFO, as OpenTelemetry maps them.
LogSeverity severity_of_priority(unsigned priority);
// "warning", "WARN", "crit", ...; unspecified for any other word.
LogSeverity severity_of_word(std::string_view word);

struct LogLine {
  LogSeverity severity = LogSeverity::unspecified;
  std::string_view message;  // without a priority and a time at its head; inside the line
};
// line: without its end. A word such as "error" counts only where a logger puts it, not in prose.
LogLine parse_log_line(std::string_view line);

// Tells the first line of a record from those that go on with it: indented lines, the frames and causes of Java, the
// last line of a Python traceback, closing brackets. Keeps what it must know of the line before.
class RecordJoiner {
 public:
  // Asked for each line in order. True: the line belongs to the record that an earlier line began.
  bool continues(std::string_view line);
  void forget() { traceback_ = false; }

 private:
  bool traceback_ = false;  // a traceback began and its last line has not come
};

}  // namespace hostmedic
