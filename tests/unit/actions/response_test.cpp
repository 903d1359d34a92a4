// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;
using guard::TargetState;

TEST_CASE("a failed service is restarted, proved and resolved, with the measured times") {
  Ward ward;
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.persisted == 1);
  const Order& order = ward.orders[0];
  CHECK(order.key.size() == 24);
  CHECK(order.key.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(order.plan.action == "service.restart");
  CHECK(order.expires_at == order.issued_at + 30s);
  CHECK(order.incident_id == ward.incident.id);
  CHECK(ward.kept().state == IncidentState::acting);
  CHECK(ward.last(TimelineKind::planned) == "restart nginx.service through systemd");
  CHECK(ward.last(TimelineKind::verdict) == "allowed by " + std::to_string(guard::rules().size()) + " rules");
  const auto verdict = std::find_if(ward.kept().timeline.begin(), ward.kept().timeline.end(),
                                    [](const TimelineEntry& e) { return e.kind == TimelineKind::verdict; });
  REQUIRE(verdict != ward.kept().timeline.end());
  CHECK(verdict->attributes.size() == guard::rules().size());

  ward.host.advance(800ms);
  ward.host.unit("active");
  ward.outcome(OutcomeResult::done);
  CHECK(ward.kept().state == IncidentState::verifying);
  CHECK(ward.response->wake_at() == ward.host.mono() + 1s);
  ward.quiet(false);  // the signal is quiet, though detection still waits before it clears
  ward.pass(999ms, 999ms);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.pass(1ms, 1ms);
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.kept().closed_at == ward.host.wall());
  CHECK(ward.last(TimelineKind::resolved) ==
        "nginx.service is active again, 800ms after the order, 1.2s after the fault; held for 1.0s");
  CHECK_FALSE(ward.response->wake_at());
  CHECK(ward.notices.empty());
  ward.quiet();
  ward.pass(60s);
  CHECK(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::resolved);
}

TEST_CASE("the same input gives the same order, another incident another key") {
  Ward one, two, three;
  three.incident.id = "00000000000000a2";
  one.observe(), two.observe(), three.observe();
  CHECK(one.orders[0].key == two.orders[0].key);
  CHECK(one.orders[0].key != three.orders[0].key);
}

TEST_CASE("denials that time does not lift escalate at once") {
  Ward crash;
  crash.restarts = 5;
  crash.observe();
  CHECK(crash.orders.empty());
  CHECK(crash.kept().state == IncidentState::escalated);
  REQUIRE(crash.notices.size() == 1);
  CHECK(crash.notices[0].find("crash-loop: 5 restarts") != std::string::npos);

  Ward guarded;
  guarded.policy.protected_entities = {"service:nginx*"};
  guarded.response->reconfigure(guarded.runbooks, guarded.policy);
  guarded.observe();
  guarded.pass(10min, 10s);
  CHECK(guarded.orders.empty());
  CHECK(guarded.notices.size() == 1);
}

TEST_CASE("a crash loop has no plan and escalates") {
  Ward ward;
  ward.incident.kind = "service.crash_looping";
  ward.observe();
  ward.pass(31s);
  CHECK(ward.orders.empty());
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);
}

TEST_CASE("an incident that no runbook treats is escalated when it is grave") {
  Ward grave;
  grave.incident.kind = "host.on_fire";
  grave.observe();
  CHECK(grave.kept().state == IncidentState::escalated);
  CHECK(grave.notices.size() == 1);
  Ward light;
  light.incident.kind = "host.warm";
  light.incident.severity = Severity::warning;
  light.observe();
  light.pass(10min, 10s);
  CHECK(light.kept().state == IncidentState::open);
  CHECK(light.notices.empty());
  CHECK(light.entries(TimelineKind::note) == 1);
  light.runbooks[0].kinds.push_back("host.warm");
  light.response->reconfigure(light.runbooks, light.policy);
  light.pass(1s);
  CHECK(light.orders.size() == 1);
}
