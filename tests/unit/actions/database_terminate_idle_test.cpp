// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const Entity kDatabase{EntityKind::service, "postgresql@15-main.service"};

Result<Plan> planned(std::vector<Attribute> params, const Entity& root = kDatabase) {
  TestHost host;
  return kDatabaseTerminateIdle.plan(incident_on(root, "log.errors", host), host.view(), params);
}

}  // namespace

TEST_CASE("database.terminate_idle plans with numbers of seconds") {
  const auto plan = planned({{"idle", "1h"}, {"most", "5"}});
  REQUIRE(plan.has_value());
  CHECK(kDatabaseTerminateIdle.validate(*plan).has_value());
  CHECK(plan->target == kDatabase);
  CHECK(plan->get("in_transaction") == "300");
  CHECK(plan->get("idle") == "3600");
  CHECK(plan->get("keep") == "10");
  CHECK(plan->get("full") == "0");
  CHECK(plan->what == "end at most 5 idle sessions of postgresql@15-main.service");
  CHECK(planned({{"unit", "postgresql@15-main.service"}}, kNginx)->target == kDatabase);
  CHECK(planned({{"idle_in_transaction", "-"}, {"idle", "60s"}})->get("in_transaction") == "-1");
  CHECK_FALSE(planned({}, kNginx).has_value());
  CHECK_FALSE(planned({{"idle", "soon"}}).has_value());
}

TEST_CASE("database.terminate_idle refuses what is not a number in its range") {
  const auto good = planned({});
  REQUIRE(good.has_value());
  const std::pair<const char*, const char*> bad[] = {
      {"port", "0"},           {"port", "65536"},       {"port", "5432 options=-cx"},
      {"in_transaction", "0"}, {"in_transaction", "x"}, {"in_transaction", ""},
      {"idle", "0"},           {"idle", "-2"},          {"idle", "1; DROP"},
      {"keep", "-1"},          {"keep", "10001"},       {"most", "0"},
      {"most", "501"},         {"most", "1e2"},         {"host", "/tmp"},
      {"full", "101"},         {"full", "90%"},         {"full", ""}};
  for (const auto& [key, value] : bad) {
    CAPTURE(key);
    CAPTURE(value);
    Plan plan = *good;
    std::erase_if(plan.parameters, [name = key](const Attribute& one) { return one.key == name; });
    plan.parameters.push_back({key, value});
    CHECK_FALSE(kDatabaseTerminateIdle.validate(plan).has_value());
  }
  Plan plan = *good;
  plan.target = kNginx;
  CHECK_FALSE(kDatabaseTerminateIdle.validate(plan).has_value());
  CHECK_FALSE(kDatabaseTerminateIdle.validate(*planned({{"idle_in_transaction", "-"}})).has_value());
}
