// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/cgroup.h"

#include <doctest/doctest.h>

#include <array>

using namespace hostmedic;

namespace {
using Values = std::array<std::optional<std::uint64_t>, 2>;
constexpr std::string_view kKeys[] = {"usage_usec", "throttled_usec"};
}  // namespace

TEST_CASE("cgroup: keyed values in any order, what is not there is unknown") {
  Values values;
  CHECK(parse_cgroup_keyed("usage_usec 123456\nuser_usec 1\nsystem_usec 2\n", kKeys, values));
  CHECK(values == Values{123456, std::nullopt});
  CHECK(parse_cgroup_keyed("throttled_usec 7\nnr_periods 0\nusage_usec 5 extra\n", kKeys, values));
  CHECK(values == Values{5, 7});
  CHECK(parse_cgroup_keyed("", kKeys, values).error().message() == "empty");
  CHECK(parse_cgroup_keyed("user_usec 1\n", kKeys, values).error().message() == "no usage_usec");
  CHECK(parse_cgroup_keyed("usage_usec 12", kKeys, values).error().message().find("cut off") == 0);
  CHECK(parse_cgroup_keyed("usage_usec\n", kKeys, values).error().message() == "line 1: usage_usec: missing");
  CHECK(parse_cgroup_keyed("usage_usec 1e5\n", kKeys, values).error().message().find("line 1: usage_usec: '1e5'") == 0);
  CHECK(!parse_cgroup_keyed("usage_usec 18446744073709551616\n", kKeys, values));
}

TEST_CASE("cgroup: a limit, or none") {
  CHECK(*parse_cgroup_limit("max\n") == std::nullopt);
  CHECK(*parse_cgroup_limit("9223372036854771712\n") == std::nullopt);  // version 1
  CHECK(*parse_cgroup_limit("1048576\n") == 1048576);
  CHECK(*parse_cgroup_limit("0\n") == 0);
  CHECK(!parse_cgroup_limit("max"));
  CHECK(!parse_cgroup_limit("maximum\n"));
  CHECK(!parse_cgroup_limit(""));
}

TEST_CASE("cgroup: io.stat is summed over devices") {
  const auto io = parse_cgroup_io_stat(
      "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=9 dios=9\n254:0 \n7:1 wios=1 rbytes=1 cost.usage=5 new\n");
  REQUIRE(io);
  CHECK(io->read == 101);
  CHECK(io->written == 20);
  CHECK(io->reads == 3);
  CHECK(io->writes == 5);
  CHECK(parse_cgroup_io_stat("")->read == 0);
  CHECK(parse_cgroup_io_stat("8:0 rbytes=1").error().message().find("cut off") == 0);
  CHECK(parse_cgroup_io_stat("8:0 rbytes=x\n").error().message().find("line 1: rbytes: 'x'") == 0);
  CHECK(!parse_cgroup_io_stat("8:0 rbytes\n"));
  CHECK(!parse_cgroup_io_stat("8:0 rbytes=18446744073709551616\n"));
  CHECK(parse_cgroup_io_stat("8:0 rios=18446744073709551615\n8:1 rios=2\n")->reads == 18446744073709551615ULL);
}

TEST_CASE("cgroup: blkio of version 1 is summed over devices, without its total") {
  const auto io = parse_cgroup_blkio("8:0 Read 10\n8:0 Write 2\n8:0 Sync 12\n8:16 Read 5\n8:16 Total 5\nTotal 17\n");
  REQUIRE(io);
  CHECK(io->read == 15);
  CHECK(io->written == 2);
  CHECK(parse_cgroup_blkio("Total 0\n")->read == 0);
  CHECK(!parse_cgroup_blkio(""));
  CHECK(!parse_cgroup_blkio("8:0 Read\n"));
  CHECK(!parse_cgroup_blkio("8:0 Write -1\n"));
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
