// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/vmstat.h"

#include <doctest/doctest.h>

using hostmedic::parse_vmstat;

TEST_CASE("vmstat: a good file; what is not printed is absent") {
  const auto stat = parse_vmstat("nr_free_pages 12\npgfault 345\npgmajfault 6\noom_kill 7\nnew_thing 1 2 3\n");
  REQUIRE(stat);
  CHECK(stat->faults == 345);
  CHECK(stat->major_faults == 6);
  CHECK(stat->oom_kills == 7);
  const auto old_kernel = parse_vmstat("pgfault 1 extra\n");
  REQUIRE(old_kernel);
  CHECK(!old_kernel->oom_kills);
}

TEST_CASE("vmstat: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto stat = parse_vmstat(text);
    REQUIRE(!stat);
    return stat.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("pgfault 12").find("cut off") == 0);
  CHECK(message("pgfault\n") == "line 1: pgfault: missing");
  CHECK(message("a 1\noom_kill ?\n").find("line 2: oom_kill: '?'") == 0);
  CHECK(message("pgmajfault 18446744073709551616\n").find("line 1: pgmajfault: ") == 0);
}
