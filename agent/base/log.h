// SPDX-License-Identifier: Apache-2.0
// Log lines to stderr with the journal's "<N>" priority prefix when stderr is the journal. For the shell only:
// libraries return errors. Any thread; one line is one write(2).
#pragma once

#include <string_view>

namespace hostmedic {

enum class LogLevel : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

void set_log_level(LogLevel most_verbose);
// text is made printable and cut at 2 KiB.
void log_line(LogLevel level, std::string_view text);
inline void log_error(std::string_view text) { log_line(LogLevel::error, text); }
inline void log_warning(std::string_view text) { log_line(LogLevel::warning, text); }
inline void log_notice(std::string_view text) { log_line(LogLevel::notice, text); }
inline void log_info(std::string_view text) { log_line(LogLevel::info, text); }
inline void log_debug(std::string_view text) { log_line(LogLevel::debug, text); }

}  // namespace hostmedic
