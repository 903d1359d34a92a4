// SPDX-License-Identifier: Apache-2.0
// What no action of the catalogue plans or takes for a plan.
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "agent/base/parse.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("no action is planned for what it cannot treat") {
  const TestHost host;
  for (const ActionInfo* action : all_actions()) {
    if (action == &kHostSegment) continue;  // of the host itself, whatever the incident's root
    CAPTURE(action->name);
    Incident incident;
    incident.root = {EntityKind::block_device, "sda"};
    const auto plan = action->plan(incident, host.view(), {});
    REQUIRE_FALSE(plan);
    CHECK_FALSE(plan.error().message().empty());
  }
}

TEST_CASE("no plan is valid whose target is a device or a name with a way out of its place") {
  for (const ActionInfo* action : all_actions())
    for (const Entity& target : {Entity{EntityKind::block_device, "sda"}, Entity{EntityKind::service, "../etc/x"},
                                 Entity{EntityKind::filesystem, "var/../.."}, Entity{EntityKind::container, "a b;c"},
                                 Entity{EntityKind::process, "\n"}, Entity{EntityKind::certificate, "not/rooted"},
                                 Entity{EntityKind::package, "-rf /"}, Entity{EntityKind::endpoint, "10.0.0.0/0;x"}}) {
      CAPTURE(action->name);
      CAPTURE(target.name);
      Plan plan;
      plan.action = action->name;
      plan.target = target;
      plan.what = "something";
      plan.timeout = action->timeout;
      CHECK_FALSE(action->validate(plan));
    }
}

TEST_CASE("what is planned for a name that no unit and no container can have is no plan") {
  const TestHost host;
  const Entity socket{EntityKind::service, "nginx.socket"}, way_out{EntityKind::container, "../web"};
  const auto said = [&](const ActionInfo& action, const Entity& root) {
    const auto plan = action.plan(incident_on(root, "x", host), host.view(), {});
    REQUIRE_FALSE(plan);
    return plan.error().message();
  };
  CHECK(said(kServiceReload, socket) == "'nginx.socket' is not the name of a service unit");
  CHECK(said(kContainerRestart, way_out) == "'../web' is not the name of a container");
}

TEST_CASE("a plan is for what its entry names, and ends within its bounds") {
  const struct {
    const ActionInfo& action;
    Entity target;
    std::vector<Attribute> parameters;
    const char* word;
  } cases[] = {
      {kProcessFreeze, {EntityKind::process, "(unnamed)"}, {{"victim", "most_cpu"}}, "not the name of a process"},
      {kProcessRenice, {EntityKind::process, ""}, {{"nice", "5"}, {"io", "keep"}}, "not the name of a process"},
      {kScriptRun,
       {EntityKind::service, "a b"},
       {{"script", "x"}, {"args", ""}, {"undo", ""}},
       "name of a service unit"},
      {kPackageRollback,
       {EntityKind::package, "other"},
       {{"package", "hm-demo"}, {"version", "1.0"}, {"from", "2.0"}, {"network", "no"}},
       "neither a service unit nor the package"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.action.name);
    Plan plan;
    plan.action = one.action.name;
    plan.target = one.target;
    plan.parameters = one.parameters;
    plan.what = "something";
    plan.timeout = one.action.timeout;
    plan.lasts = one.action.name == kProcessFreeze.name ? std::chrono::minutes(1) : Duration{};
    Status status = one.action.validate(plan);
    REQUIRE_FALSE(status);
    CHECK(status.error().message().find(one.word) != std::string::npos);
    plan.lasts = std::chrono::hours(24 * 32);
    status = one.action.validate(plan);
    REQUIRE_FALSE(status);
    CHECK(status.error().message() == "it lasts longer than 31 days");
  }
}

TEST_CASE("an upgrade is found behind other words, and whether the network may be used is the runbook's") {
  const TestHost host;
  Incident incident = incident_on({EntityKind::package, "hm-demo"}, "package.broken", host);
  incident.changes = {{incident.root, host.wall(), "some time ago package hm-demo was upgraded from 1.0 to 2.0", 0.9}};
  for (const char* network : {"no", "yes"}) {
    const std::vector<Attribute> params{{"network", network}};
    const auto plan = kPackageRollback.plan(incident, host.view(), params);
    REQUIRE(plan);
    CHECK(kPackageRollback.validate(*plan));
    CHECK(plan->get("version") == "1.0");
    CHECK(plan->get("network") == network);
  }
}

TEST_CASE("the process that causes the trouble of another is the one to end") {
  const TestHost host;
  Incident incident = incident_on(kVar, "filesystem.filling", host);
  incident.causes = {kNginx, {EntityKind::process, "java"}};
  const auto plan = kProcessTerminate.plan(incident, host.view(), {});
  REQUIRE(plan);
  CHECK(plan->target == Entity{EntityKind::process, "java"});
}

TEST_CASE("without a number memory.relieve asks for what is above the goal, and for no less than a part") {
  const auto need_at = [](double used) {
    HostView view;
    Frame frame;
    frame.first = true;
    frame.entities = {{EntityId{1}, Entity{}}};
    const std::string limit(metric::kMemoryLimit.name), share(metric::kMemoryUtilization.name);
    frame.series = {{SeriesId{1}, EntityId{1}, limit, "", Unit::bytes, Instrument::gauge},
                    {SeriesId{2}, EntityId{1}, share, "", Unit::ratio, Instrument::gauge}};
    frame.samples = {{SeriesId{1}, 1000e6}, {SeriesId{2}, used}};
    view.apply(frame);
    const auto plan = kMemoryRelieve.plan(incident_on({}, "memory.exhaustion", TestHost()), view, {});
    REQUIRE(plan);
    return parse_double(plan->get("need")).value_or(0);
  };
  CHECK(need_at(0.98) > need_at(0.93));
  CHECK(need_at(0.98) < 0.98 * 1000e6);
  CHECK(need_at(0.1) > 0);
  CHECK(need_at(0.1) == need_at(0.2));
}
