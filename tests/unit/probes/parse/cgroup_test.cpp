// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/cgroup.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("cgroup: cpu.stat") {
  CHECK(*parse_cgroup_cpu_stat("usage_usec 123456\nuser_usec 1\nsystem_usec 2\n") == 123456);
  CHECK(*parse_cgroup_cpu_stat("nr_periods 0\nusage_usec 5 extra\n") == 5);
  CHECK(parse_cgroup_cpu_stat("").error().message() == "empty");
  CHECK(parse_cgroup_cpu_stat("user_usec 1\n").error().message() == "no usage_usec");
  CHECK(parse_cgroup_cpu_stat("usage_usec 12").error().message().find("cut off") == 0);
  CHECK(parse_cgroup_cpu_stat("usage_usec\n").error().message() == "line 1: usage_usec: missing");
  CHECK(parse_cgroup_cpu_stat("usage_usec 1e5\n").error().message().find("line 1: usage_usec: '1e5'") == 0);
}

TEST_CASE("cgroup: a file of one number") {
  CHECK(*parse_cgroup_number("0\n") == 0);
  CHECK(*parse_cgroup_number("18446744073709551615\n") == 18446744073709551615ULL);
  CHECK(parse_cgroup_number("").error().message() == "empty");
  CHECK(parse_cgroup_number("12").error().message().find("cut off") == 0);
  CHECK(parse_cgroup_number("max\n").error().message().find("line 1: value: 'max'") == 0);
  CHECK(!parse_cgroup_number("1 2\n"));
  CHECK(!parse_cgroup_number("1\n2\n"));
  CHECK(!parse_cgroup_number("18446744073709551616\n"));
  CHECK(!parse_cgroup_number("-1\n"));
}

TEST_CASE("cgroup: tasks are counted, an empty group has none") {
  CHECK(*parse_cgroup_tasks("") == 0);
  CHECK(*parse_cgroup_tasks("1\n22\n333\n") == 3);
  CHECK(parse_cgroup_tasks("1\n2").error().message().find("cut off") == 0);
  CHECK(parse_cgroup_tasks("1\n\n").error().message() == "line 2: task id: missing");
  CHECK(!parse_cgroup_tasks("1\nx\n"));
}
