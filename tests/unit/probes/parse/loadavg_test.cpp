// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/loadavg.h"

#include <doctest/doctest.h>

using hostmedic::parse_loadavg;

TEST_CASE("loadavg: a good file") {
  const auto load = parse_loadavg("0.52 1.25 12.00 3/456 7890 more\n");
  REQUIRE(load);
  CHECK(load->one_minute == doctest::Approx(0.52));
  CHECK(load->five_minutes == doctest::Approx(1.25));
  CHECK(load->fifteen_minutes == doctest::Approx(12.0));
  CHECK(load->threads == 456);
}

TEST_CASE("loadavg: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto load = parse_loadavg(text);
    REQUIRE(!load);
    return load.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("0.1 0.2 0").find("cut off") == 0);
  CHECK(message("0.1 0.2\n").find("line 1: 15 minutes: ") == 0);
  CHECK(message("0.1 -0.2 0.3\n") == "line 1: 5 minutes: negative");
  CHECK(message("nan 0.2 0.3\n").find("line 1: 1 minute: ") == 0);
  CHECK(message("1e999 0.2 0.3\n").find("line 1: 1 minute: ") == 0);
  CHECK(message("0.1 0.2 0.3\n") == "line 1: threads: not running/all");
  CHECK(message("0.1 0.2 0.3 1/x 2\n").find("line 1: threads: 'x'") == 0);
  CHECK(message("\x01\x02 0.2 0.3\n").find("line 1: 1 minute: '?\?'") == 0);
}
