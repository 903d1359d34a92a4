// SPDX-License-Identifier: Apache-2.0
// What reading log lines costs, per line on one core, over 300 ms per case. Cases:
//   severity   parse_log_line over six formats
//   access     parse_access_line over the combined format with a time
//   template   TemplateMiner::take of short lines (60 bytes, 9 tokens) whose templates are known
//   all        a file that is no access log: access, severity and template in a row
// Nothing is read from the host. Published numbers carry machine, compiler and build type.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "probes/log/template_miner.h"
#include "probes/parse/access_log.h"
#include "probes/parse/log_line.h"

namespace {

using namespace hostmedic;

volatile std::size_t sink_for_results = 0;

template <class Step>
void run(const char* name, const std::vector<std::string>& lines, Step step) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::size_t count = 0, bytes = 0;
  double seconds = 0;
  do {
    for (const std::string& line : lines) {
      sink_for_results = sink_for_results + step(line);
      bytes += line.size();
    }
    count += lines.size();
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (seconds < 0.3);
  std::printf("%-10s %8.0f ns/line %10.0f lines/s %8.1f MB/s\n", name, seconds * 1e9 / static_cast<double>(count),
              static_cast<double>(count) / seconds, static_cast<double>(bytes) / seconds / 1e6);
}

std::vector<std::string> many(std::initializer_list<const char*> formats) {
  std::vector<std::string> lines;
  for (int i = 0; i < 500; ++i) {
    for (const char* format : formats) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      lines.push_back(strf(format, i % 250, i * 37 % 60000));
#pragma GCC diagnostic pop
    }
  }
  return lines;
}

}  // namespace

int main() {
  const auto app = many({"2026-11-21 10:00:00,%03d ERROR [main] com.example.App - request %d failed",
                         "2026/11/21 10:00:00 [error] %d#123: *%d open() failed (2: No such file)",
                         "time=2026-11-21T10:00:00Z level=warning msg=\"slow\" n=%d took=%dms",
                         "{\"time\":\"2026-11-21T10:00:00Z\",\"level\":\"info\",\"n\":%d,\"msg\":\"done %d\"}",
                         "Nov 21 10:00:00 web sshd[%d]: Accepted publickey for alice port %d ssh2",
                         "plain words %d without any severity at all %d"});
  const auto access =
      many({"192.0.2.%d - - [21/Nov/2026:10:00:00 +0000] \"GET /a/%d HTTP/1.1\" 200 612 \"-\" "
            "\"Mozilla/5.0 (X11; Linux x86_64)\" 0.012"});
  const auto words =
      many({"Accepted publickey for alice from 10.0.0.%d port %d ssh2",
            "session opened for user %d by system with id %d", "request %d was served by the backend in %dms total",
            "connection reset by peer while reading response header %d %d"});
  run("severity", app, [](const std::string& line) { return parse_log_line(line).message.size(); });
  run("access", access, [](const std::string& line) { return std::size_t{parse_access_line(line)->status}; });
  log::TemplateMiner miner;
  run("template", words, [&](const std::string& line) { return std::size_t{miner.take(line).index}; });
  log::TemplateMiner other;
  run("all", app, [&](const std::string& line) {
    if (parse_access_line(line)) return std::size_t{0};
    return std::size_t{other.take(parse_log_line(line).message).index};
  });
  std::printf("templates: %zu and %zu\n", miner.size(), other.size());
}
