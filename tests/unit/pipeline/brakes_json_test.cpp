// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/brakes_json.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("brakes: what is kept is what was set; what an older version kept has no silences") {
  Brakes brakes;
  brakes.halted = true;
  brakes.halted_by = "uid 0 (root)";
  brakes.maintenance.push_back({wall_from_ns(5), "a", "b", "service:*"});
  brakes.silences.push_back({wall_from_ns(7), "c", "d\n\"e\"", "disk:sda", "disk.*"});
  const auto read = brakes_from_json(brakes_to_json(brakes));
  REQUIRE(read);
  CHECK(read->halted);
  REQUIRE(read->maintenance.size() == 1);
  REQUIRE(read->silences.size() == 1);
  CHECK(read->silences[0].until == wall_from_ns(7));
  CHECK(read->silences[0].reason == "d\n\"e\"");
  CHECK(read->silences[0].entity == "disk:sda");
  CHECK(read->silences[0].kind == "disk.*");
  const auto old = brakes_from_json(R"({"halted":false,"halted_by":"","halted_at_unix_nano":0,"maintenance":[]})");
  REQUIRE(old);
  CHECK(old->silences.empty());
  CHECK_FALSE(
      brakes_from_json(R"({"halted":false,"halted_by":"","halted_at_unix_nano":0,"maintenance":[],"silences":[1]})"));
}

TEST_CASE("expected entries: what is kept is what was set") {
  detect::ExpectedEntry entry{.name = "sale", .entity = "service:shop*", .series = "http.*", .factor = 2.5};
  entry.schedule.from = wall_from_ns(1'800'000'000'000'000'001);
  entry.schedule.until = wall_from_ns(1'800'000'000'000'000'009);
  entry.by = "uid 0 (root)";
  detect::ExpectedEntry shadow = entry;
  shadow.shadow = true;
  const std::vector<detect::ExpectedEntry> entries{entry, shadow};
  const auto read = expected_from_json(expected_to_json(entries));
  REQUIRE(read);
  CHECK(*read == entries);
  for (const char* wrong : {"", "{}", "[1]", R"([{"name":"x"}])"}) CHECK_FALSE(expected_from_json(wrong));
}
