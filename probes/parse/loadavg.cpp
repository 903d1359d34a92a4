// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/loadavg.h"

#include "probes/parse/lines.h"

namespace hostmedic {

Result<LoadAverage> parse_loadavg(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  LoadAverage load;
  TextCursor line(text);
  const auto take = [&](std::string_view item, double& ret_value) -> Status {
    auto value = parse_double(line.word());
    if (!value) return line_error(1, item, std::move(value).error());
    if (*value < 0) return line_error(1, item, "negative");
    ret_value = *value;
    return ok();
  };
  if (auto status = take("1 minute", load.one_minute); !status) return std::move(status).error();
  if (auto status = take("5 minutes", load.five_minutes); !status) return std::move(status).error();
  if (auto status = take("15 minutes", load.fifteen_minutes); !status) return std::move(status).error();
  const std::string_view running_of_all = line.word();
  const auto slash = running_of_all.find('/');
  if (slash == std::string_view::npos) return line_error(1, "threads", "not running/all");
  const auto threads = parse_u64(running_of_all.substr(slash + 1));
  if (!threads) return line_error(1, "threads", threads.error());
  load.threads = *threads;
  return load;
}

}  // namespace hostmedic
