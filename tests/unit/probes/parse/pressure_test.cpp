// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/pressure.h"

#include <doctest/doctest.h>

using hostmedic::parse_pressure;

TEST_CASE("pressure: a good file, with and without full") {
  const auto both = parse_pressure(
      "some avg10=0.12 avg60=0.05 avg300=0.01 total=123456\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=7890\n");
  REQUIRE(both);
  CHECK(both->some_us == 123456);
  CHECK(both->full_us == 7890);
  const auto some = parse_pressure("some avg10=0.12 new=1 total=5 more=2\n");
  REQUIRE(some);
  CHECK(some->some_us == 5);
  CHECK(!some->full_us);
}

TEST_CASE("pressure: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto pressure = parse_pressure(text);
    REQUIRE(!pressure);
    return pressure.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("full total=1\n") == "no some line");
  CHECK(message("some avg10=0.00 total=12").find("cut off") == 0);
  CHECK(message("some avg10=0.00\n") == "line 1: some: no total=");
  CHECK(message("some total=1\nfull total=\n").find("line 2: full: total: ") == 0);
  CHECK(message("some total=99999999999999999999\n").find("line 1: some: total: ") == 0);
  CHECK(message("some total=1x\n").find("line 1: some: total: '1x'") == 0);
}
