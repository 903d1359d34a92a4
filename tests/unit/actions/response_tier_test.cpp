// SPDX-License-Identifier: Apache-2.0
// How far a runbook may go by itself: tiers, approvals, brakes.
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;
using guard::TargetState;

TEST_CASE("in observe it says what it would have done, never orders, and resolves when quiet") {
  Ward ward(Tier::observe);
  ward.observe();
  ward.pass(20min, 10s);
  CHECK(ward.orders.empty());
  CHECK(ward.notices.empty());
  CHECK(ward.kept().state == IncidentState::open);
  CHECK(ward.says(TimelineKind::note, "would have done: restart nginx.service through systemd (systemctl restart"));
  CHECK(ward.entries(TimelineKind::verdict) == 1);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved).find("recovered by itself") == 0);
}

TEST_CASE("in suggest a human is told once and nothing is done") {
  Ward ward(Tier::suggest);
  ward.observe();
  ward.pass(20min, 10s);
  CHECK(ward.orders.empty());
  REQUIRE(ward.notices.size() == 1);
  CHECK(ward.notices[0].find("systemctl restart nginx.service") != std::string::npos);
  CHECK(ward.response->proposals().empty());
  CHECK(ward.kept().state == IncidentState::open);
}

TEST_CASE("a runbook's ceiling lowers the policy's tier, never raises it") {
  Runbook runbook = restart_runbook();
  runbook.ceiling = Tier::observe;
  Ward low(Tier::automatic, runbook);
  low.observe();
  CHECK(low.orders.empty());
  CHECK(low.says(TimelineKind::verdict, "tier is observe"));
  runbook.ceiling = Tier::approve;
  Ward asks(Tier::automatic, runbook);
  asks.observe();
  CHECK(asks.orders.empty());
  CHECK(asks.response->proposals().size() == 1);
  Ward high(Tier::observe, restart_runbook());
  high.observe();
  CHECK(high.orders.empty());
}

TEST_CASE("with tier approve a human's yes gives the order, once") {
  Ward ward(Tier::approve);
  ward.observe();
  CHECK(ward.orders.empty());
  REQUIRE(ward.response->proposals().size() == 1);
  CHECK(ward.response->proposals()[0].order.plan.action == "service.restart");
  CHECK(ward.notices.size() == 1);
  ward.pass(5min, 10s);
  const std::string key = ward.response->proposals()[0].order.key;
  CHECK_FALSE(ward.response->approve("nonsense", "uid 0 (root)", "", ward.host.view(), ward.now()));
  auto commands = ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now());
  REQUIRE(commands.has_value());
  ward.take(std::move(*commands));
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.orders[0].approved_by == "uid 0 (root)");
  CHECK(ward.orders[0].key == key);
  CHECK(ward.orders[0].issued_at == ward.host.wall());
  CHECK(ward.says(TimelineKind::approval, "approved by uid 0 (root)"));
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now()));
  CHECK(ward.response->proposals().empty());
}

TEST_CASE("an approval does not lift the kill switch") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.halted = true;
  auto commands = ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now());
  REQUIRE(commands.has_value());
  ward.take(std::move(*commands));
  CHECK(ward.orders.empty());
  CHECK(ward.says(TimelineKind::verdict, "kill-switch"));
  ward.pass(1min);
  CHECK(ward.orders.empty());
  ward.halted = false;  // within the life of the approval
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("an approval lapses with its proposal") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.halted = true;
  REQUIRE(ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now()).has_value());
  ward.pass(16min, 10s);
  ward.halted = false;
  ward.pass(10s);
  CHECK(ward.orders.empty());
  CHECK(ward.response->proposals().size() == 1);
}

TEST_CASE("a rejected proposal is not made again for this incident") {
  Ward ward(Tier::approve);
  ward.observe();
  auto commands = ward.response->reject(ward.incident.id, "uid 0 (root)", "planned", ward.now());
  REQUIRE(commands.has_value());
  ward.take(std::move(*commands));
  ward.pass(30min, 10s);
  CHECK(ward.orders.empty());
  CHECK(ward.response->proposals().empty());
  CHECK(ward.says(TimelineKind::approval, "rejected by uid 0 (root): planned"));
  CHECK_FALSE(ward.response->reject(ward.incident.id, "uid 0 (root)", "", ward.now()));
}

TEST_CASE("a proposal that nobody answers expires and escalates") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.host.advance(15min);
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now()));
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 2);
  CHECK(ward.orders.empty());
}

TEST_CASE("a proposal is withdrawn when the target recovers by itself") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.quiet();
  CHECK(ward.response->proposals().empty());
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now()));
}

TEST_CASE("medium confidence asks a human even where the tier is auto") {
  Ward ward;
  ward.incident.confidence = 0.8;
  ward.observe();
  CHECK(ward.orders.empty());
  CHECK(ward.response->proposals().size() == 1);
}

TEST_CASE("halted, it never orders, and acts when resumed") {
  Ward ward;
  ward.halted = true;
  ward.observe();
  ward.pass(30min, 10s);
  CHECK(ward.orders.empty());
  CHECK(ward.notices.empty());
  CHECK(ward.entries(TimelineKind::verdict) == 1);
  CHECK(ward.kept().state == IncidentState::open);
  ward.halted = false;
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("maintenance holds back without a flood of entries, and ends") {
  Ward ward;
  ward.maintenance.push_back({ward.host.wall() + 10min, "root", "upgrade", "*"});
  ward.observe();
  ward.pass(599s);
  CHECK(ward.orders.empty());
  CHECK(ward.entries(TimelineKind::verdict) == 1);
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("an incident that becomes quiet before anything was done is resolved by itself") {
  Ward ward;
  ward.target = TargetState::changing;
  ward.observe();
  ward.pass(3s);
  CHECK(ward.orders.empty());
  CHECK(ward.says(TimelineKind::verdict, "held by target-state"));
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved) == "recovered by itself; nothing was done");
}

TEST_CASE("what is held for five minutes is given up and escalated once") {
  Ward ward;
  ward.target = TargetState::changing;
  ward.observe();
  ward.pass(299s);
  CHECK(ward.notices.empty());
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::escalated);
  ward.pass(10min);
  CHECK(ward.notices.size() == 1);
  CHECK(ward.notices[0].find("target-state") != std::string::npos);
  CHECK(ward.orders.empty());
}

TEST_CASE("one signal alone does not act; the second one does") {
  Ward ward;
  ward.incident.proof = false;
  ward.observe();
  ward.pass(10s);
  CHECK(ward.orders.empty());
  ward.incident.signals = 2;
  ward.observe();
  CHECK(ward.orders.size() == 1);
}
