// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/schedstat.h"

#include <doctest/doctest.h>

using hostmedic::parse_schedstat;

TEST_CASE("schedstat: the sum over CPUs, domains are passed over") {
  const auto stat = parse_schedstat(
      "version 15\ntimestamp 4294938043\n"
      "cpu0 0 0 100 40 60 30 5000000000 250000000 70\n"
      "domain0 3 10 10 0 0 0 0 0 10 0\n"
      "cpu1 0 0 100 40 60 30 6000000000 750000000 80 1 2\n");
  REQUIRE(stat);
  CHECK(stat->cpus == 2);
  CHECK(stat->run_ns == 11000000000);
  CHECK(stat->waiting_ns == 1000000000);
  CHECK(stat->timeslices == 150);
}

TEST_CASE("schedstat: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto stat = parse_schedstat(text);
    REQUIRE(!stat);
    return stat.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("version 15\n") == "no cpu line");
  CHECK(message("cpu0 0 0 1 2 3 4 5 6 7").find("cut off") == 0);
  CHECK(message("cpu0 0 0 1 2 3 4 5 6\n") == "line 1: time slices: missing");
  CHECK(message("cpu0 0 0 1 2 3 4 5 x 7\n").find("line 1: time waiting: 'x'") == 0);
  CHECK(message("v\ncpu0 0 0 1 2 3 4 99999999999999999999 1 1\n").find("line 2: time running: ") == 0);
}
