// SPDX-License-Identifier: Apache-2.0
// What no action of the catalogue plans or takes for a plan.
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
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
