// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/log_line.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

TEST_CASE("the severity is read where each logger puts it") {
  struct Case {
    const char* line;
    LogSeverity severity;
    const char* message;
  };
  const Case cases[] = {
      {"<11>something broke", LogSeverity::error, "something broke"},
      {"<165>Nov  3 10:00:00 web app[7]: hello", LogSeverity::info, "web app[7]: hello"},
      {"Nov 21 10:00:00 web sshd[311]: Accepted publickey", LogSeverity::unspecified,
       "web sshd[311]: Accepted publickey"},
      {"2026/11/21 10:00:00 [error] 123#123: *1 open() \"/x\" failed", LogSeverity::error,
       "[error] 123#123: *1 open() \"/x\" failed"},
      {"[Fri Nov 21 10:00:00.123456 2026] [core:warn] [pid 12] AH00094: Command line", LogSeverity::warn,
       "[core:warn] [pid 12] AH00094: Command line"},
      {"2026-11-21 10:00:00.123 UTC [77] FATAL:  the database system is starting up", LogSeverity::fatal,
       "[77] FATAL:  the database system is starting up"},
      {"2026-11-21 10:00:00 UTC [77] LOG:  checkpoint starting", LogSeverity::info, "[77] LOG:  checkpoint starting"},
      {"2026-11-21T10:00:00.000000Z 0 [Warning] [MY-010068] CA certificate", LogSeverity::warn,
       "0 [Warning] [MY-010068] CA certificate"},
      {"2026-11-21 10:00:00,123 ERROR [main] com.example.App - boom", LogSeverity::error,
       "ERROR [main] com.example.App - boom"},
      {"E1121 10:00:00.123456 7 main.go:3] cannot", LogSeverity::error, "E1121 10:00:00.123456 7 main.go:3] cannot"},
      {"time=2026-11-21T10:00:00Z level=warning msg=\"slow\"", LogSeverity::warn,
       "time=2026-11-21T10:00:00Z level=warning msg=\"slow\""},
      {"{\"time\":\"x\",\"level\":\"warn\",\"msg\":\"disk \\\"a\\\" slow\"}", LogSeverity::warn, "disk \\\"a\\\" slow"},
      {"{\"level\":50,\"message\":\"boom\",\"pid\":1}", LogSeverity::error, "boom"},
      {"{\"severity\" : \"CRITICAL\", \"event\" : \"gone\"}", LogSeverity::fatal, "gone"},
      {"warning: retrying", LogSeverity::warn, "warning: retrying"},
      {"Traceback (most recent call last):", LogSeverity::error, "Traceback (most recent call last):"},
      {"[21/Nov/2026:10:00:00 +0000] (debug) x", LogSeverity::debug, "(debug) x"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const LogLine parsed = parse_log_line(one.line);
    CHECK(to_string(parsed.severity) == to_string(one.severity));
    CHECK(std::string(parsed.message) == one.message);
  }
}

TEST_CASE("what only looks like a severity is none") {
  for (const char* line : {"finished without error after 3 retries", "the warn threshold", "ERRORS 3",
                           "{\"levels\":\"error\"}", "{\"level\" \"error\"}", "{\"level\":\"", "level=", "<999999>x",
                           "<>x", "<1", "<", "", "   ", "{", "\"", "a b c d e f g h ERROR too far behind"}) {
    CAPTURE(line);
    CHECK(to_string(parse_log_line(line).severity) == "UNSPECIFIED");
  }
}

TEST_CASE("a time is stepped over only if there is one") {
  CHECK(parse_log_line("May the force").message == "May the force");
  CHECK(parse_log_line("Sun shines").message == "Sun shines");
  CHECK(parse_log_line("42 is the answer").message == "42 is the answer");
  CHECK(parse_log_line("192.168.0.1 connected").message == "192.168.0.1 connected");
  CHECK(parse_log_line("10:00:00").message.empty());
}

TEST_CASE("syslog's priorities") {
  CHECK(severity_of_priority(0) == LogSeverity::fatal);
  CHECK(severity_of_priority(3) == LogSeverity::error);
  CHECK(severity_of_priority(4) == LogSeverity::warn);
  CHECK(severity_of_priority(6) == LogSeverity::info);
  CHECK(severity_of_priority(7) == LogSeverity::debug);
  CHECK(severity_of_priority(8) == LogSeverity::unspecified);
}

TEST_CASE("lines that go on with a record do not begin one") {
  RecordJoiner joiner;
  const auto records = [&](std::initializer_list<const char*> lines) {
    int begun = 0;
    for (const char* line : lines) begun += joiner.continues(line) ? 0 : 1;
    return begun;
  };
  CHECK(records({"ERROR boom", "java.lang.RuntimeException: x"}) == 2);
  CHECK(records({"ERROR boom", "\tat com.example.A.b(A.java:3)", "\tat c", "Caused by: x", "... 3 more"}) == 1);
  CHECK(records({"Traceback (most recent call last):", "  File \"x.py\", line 3", "    f()", "ValueError: y"}) == 1);
  CHECK(records({"after it", "another"}) == 2);
  CHECK(records({"config: {", "  a: 1", "}", "next"}) == 2);
  CHECK(records({"at noon nothing happens"}) == 1);
}
