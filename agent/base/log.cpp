// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "agent/base/text.h"

namespace hostmedic {
namespace {
std::atomic<LogLevel> most_verbose_level{LogLevel::info};
}  // namespace

void set_log_level(LogLevel most_verbose) { most_verbose_level = most_verbose; }

void log_line(LogLevel level, std::string_view text) {
  if (level > most_verbose_level.load(std::memory_order_relaxed)) return;
  static const bool to_journal = ::getenv("JOURNAL_STREAM") != nullptr;
  std::string line = to_journal ? strf("<%d>", static_cast<int>(level)) : std::string();
  line += printable(text, 2048);
  line += '\n';
  // A log that cannot be written has nowhere else to be reported.
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace hostmedic
