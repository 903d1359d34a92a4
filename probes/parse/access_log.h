// SPDX-License-Identifier: Apache-2.0
// One line of an HTTP server's access log: the common and the combined format of nginx and Apache, with or without a
// virtual host before them and with the time a request took after them. Pure, allocates nothing; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hostmedic {

struct AccessRecord {
  unsigned status = 0;            // 100..599
  std::uint64_t bytes = 0;        // of the answer; 0 for "-"
  std::optional<double> seconds;  // that the request took, if the line tells
};

// nullopt: not a line of an access log. How long the request took is told by its shape, after the quoted fields: the
// first number with a point is seconds ($request_time of nginx, also as rt= or request_time=), else a whole number at
// the end is microseconds (%D of Apache).
std::optional<AccessRecord> parse_access_line(std::string_view line);

}  // namespace hostmedic
