// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/container/container_name.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const Entity kWeb{EntityKind::container, "web"};
const std::string kId(64, 'a');

Plan made(const ActionInfo& action, const Incident& incident, std::vector<Attribute> params = {}) {
  TestHost host;
  auto plan = action.plan(incident, host.view(), params);
  REQUIRE(plan.has_value());
  const Status valid = action.validate(*plan);
  CAPTURE((valid ? "" : valid.error().message()));
  CHECK(valid.has_value());
  return *plan;
}

}  // namespace

TEST_CASE("container actions plan for the container, its scope, or the cause") {
  TestHost host;
  CHECK(made(kContainerRestart, incident_on(kWeb, "container.unhealthy", host)).target == kWeb);
  CHECK(made(kContainerStop, incident_on(kWeb, "container.crash_looping", host)).command == "docker stop web");
  const Entity scope{EntityKind::service, "docker-" + kId + ".scope"};
  CHECK(made(kContainerPause, incident_on(scope, "service.behaviour", host)).target ==
        Entity{EntityKind::container, kId.substr(0, 12)});
  CHECK(made(kEvidenceCollect, incident_on(scope, "service.behaviour", host)).target ==
        Entity{EntityKind::container, kId.substr(0, 12)});
  Incident caused = incident_on(kVar, "filesystem.filling", host);
  CHECK_FALSE(kContainerStop.plan(caused, host.view(), {}).has_value());
  caused.causes = {kNginx, kWeb};
  CHECK(made(kContainerStop, caused).target == kWeb);
}

TEST_CASE("container.restart refuses a crash loop") {
  TestHost host;
  const auto plan = kContainerRestart.plan(incident_on(kWeb, "container.crash_looping", host), host.view(), {});
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().message().find("crash loop") != std::string::npos);
}

TEST_CASE("container actions accept exactly the names that engines accept") {
  TestHost host;
  for (const ActionInfo* action : {&kContainerRestart, &kContainerPause, &kContainerStop}) {
    Plan plan = made(*action, incident_on(kWeb, "container.unhealthy", host));
    for (const std::string& name : {std::string("a"), std::string("web-1_x.y"), kId, std::string(128, 'a')}) {
      plan.target.name = name;
      CHECK(action->validate(plan).has_value());
    }
    for (const std::string& name :
         {std::string(""), std::string("-a"), std::string(".."), std::string("../x"), std::string("a/b"),
          std::string("a b"), std::string("a?b=c"), std::string("a%2f"), std::string("a\r\nX: y"), std::string("a#"),
          std::string("ä"), std::string(129, 'a')}) {
      CAPTURE(name);
      plan.target.name = name;
      CHECK_FALSE(action->validate(plan).has_value());
    }
  }
}

TEST_CASE("container.pause lasts as long as it says") {
  TestHost host;
  Plan plan = made(kContainerPause, incident_on(kWeb, "container.unhealthy", host), {{"for", "90s"}});
  CHECK(plan.lasts == std::chrono::seconds(90));
  plan.lasts = std::chrono::hours(1);
  CHECK_FALSE(kContainerPause.validate(plan).has_value());
  plan.lasts = Duration{};  // as hostmedic-effect is told
  CHECK(kContainerPause.validate(plan).has_value());
  for (const char* bad : {"", "25h", "-1s", "1.5s", "x"}) {
    CAPTURE(bad);
    plan.parameters = {{"for", bad}};
    CHECK_FALSE(kContainerPause.validate(plan).has_value());
  }
}

TEST_CASE("the id of a container in the name of its control group") {
  CHECK(container_id_of("docker-" + kId + ".scope") == kId);
  CHECK(container_id_of("libpod-" + kId) == kId);
  CHECK(container_id_of(kId) == kId);
  CHECK(container_id_of("libpod-conmon-" + kId + ".scope").empty());
  CHECK(container_id_of("x" + kId).empty());
  CHECK(container_id_of("docker-" + std::string(64, 'A') + ".scope").empty());
  CHECK(container_id_of("nginx.service").empty());
  CHECK(container_id_of("").empty());
}
