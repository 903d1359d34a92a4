// SPDX-License-Identifier: Apache-2.0
#include "agent/config/aggregator_config.h"

#include <doctest/doctest.h>

#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("the aggregator's keys are read") {
  const auto loaded = parse_aggregator_config(
      "listen = \"0.0.0.0:4318\"\npage = \"[::1]:80\"\nbody_most = \"1MiB\"\nconnections_most = 10\n", "a");
  REQUIRE(loaded.ok());
  CHECK(loaded.config.listen == "0.0.0.0:4318");
  CHECK(loaded.config.page == "[::1]:80");
  CHECK(loaded.config.body_most == mib(1));
  CHECK(loaded.config.connections_most == 10);
}

TEST_CASE("the aggregator's mistakes are told with their place") {
  const std::pair<const char*, const char*> wrongs[] = {
      {"listen = \"localhost:1\"",
       "a:1:10: listen: expected an address and port such as \"127.0.0.1:4318\" or "
       "\"[::1]:4318\", found \"localhost:1\""},
      {"listen = \"127.0.0.1\"",
       "a:1:10: listen: expected an address and port such as \"127.0.0.1:4318\" or "
       "\"[::1]:4318\", found \"127.0.0.1\""},
      {"page = \"0.0.0.0:8320\"", "a:1:8: page: expected a loopback address; it is plain HTTP without a password"},
      {"lisen = \"127.0.0.1:1\"", "a:1:1: unknown key 'lisen', did you mean 'listen'?"},
  };
  for (const auto& [text, wanted] : wrongs) {
    const auto loaded = parse_aggregator_config(text, "a");
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(to_string(loaded.diagnostics[0]) == wanted);
    CHECK_FALSE(loaded.ok());
  }
  const TempDir dir;
  CHECK_FALSE(load_aggregator_config(dir.path() + "/none.toml").ok());
}
