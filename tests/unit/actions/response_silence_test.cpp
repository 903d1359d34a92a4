// SPDX-License-Identifier: Apache-2.0
// Silences and acknowledgements: recorded and visible, nobody is told, nothing is done; then it goes on.
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

void silence(Ward& ward, Duration length, std::string entity = "*", std::string kind = "*") {
  ward.response->set_silences(
      {{ward.host.wall() + length, "uid 0 (root)", "known", std::move(entity), std::move(kind)}});
}

}  // namespace

TEST_CASE("a silenced incident is recorded, not told and not treated, and goes on when the silence ends") {
  Ward ward;
  silence(ward, 2h, "service:nginx*");
  ward.observe();
  CHECK(ward.kept().state == IncidentState::suppressed);
  CHECK(ward.last(TimelineKind::human).starts_with("silenced by uid 0 (root) until "));
  CHECK(ward.last(TimelineKind::human).ends_with(": known"));
  CHECK(ward.persisted == 1);
  ward.pass(1h, 1min);
  CHECK(ward.persisted == 1);
  CHECK(ward.orders.empty());
  CHECK(ward.notices.empty());
  ward.pass(1h + 1s, 1min);
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::acting);
  CHECK(ward.last(TimelineKind::note) == "the silence is over");
}

TEST_CASE("a silence covers by entity and kind, and only what it covers") {
  Ward other, kind;
  silence(other, 1h, "service:db*");
  other.observe();
  CHECK(other.orders.size() == 1);
  silence(kind, 1h, "*", "disk.*");
  kind.observe();
  CHECK(kind.orders.size() == 1);
}

TEST_CASE("a silence withdraws a proposal; its end asks again") {
  Ward ward(Tier::approve);
  ward.observe();
  REQUIRE(ward.response->proposals().size() == 1);
  REQUIRE(ward.notices.size() == 1);
  silence(ward, 1h);
  ward.pass(1s);
  CHECK(ward.response->proposals().empty());
  CHECK_FALSE(ward.response->approve(ward.incident.id, "root", "", ward.host.view(), ward.now()));
  CHECK(ward.kept().state == IncidentState::suppressed);
  ward.response->set_silences({});
  ward.pass(1s);
  CHECK(ward.response->proposals().size() == 1);
}

TEST_CASE("an order under way is seen to its end; its failure is told when the silence ends") {
  Ward ward;
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  silence(ward, 1h);
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::acting);
  ward.outcome(OutcomeResult::done);
  ward.pass(20s);  // no proof came: the runbook says escalate
  CHECK(ward.kept().state == IncidentState::suppressed);
  CHECK(ward.notices.empty());
  ward.pass(1h, 1min);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("what recovers in a silence is resolved") {
  Ward ward;
  silence(ward, 1h);
  ward.observe();
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved) == "recovered by itself; nothing was done");
}

TEST_CASE("a silenced incident from the store goes on, in the silence or after it") {
  for (const bool still : {true, false}) {
    Ward ward;
    Incident stored = ward.incident;
    stored.state = IncidentState::suppressed;
    if (still) silence(ward, 1h);
    ward.response->restore(stored, {}, ward.now());
    ward.pass(1s);
    CHECK((ward.kept().state == IncidentState::suppressed) == still);
    CHECK(ward.orders.empty() == still);
  }
}

TEST_CASE("an acknowledged incident stays open and is not told again, until it opens anew") {
  Ward ward(Tier::approve);
  ward.observe();
  CHECK(ward.notices.size() == 1);
  auto commands = ward.response->acknowledge(ward.incident.id, "uid 0 (root)", "on it", ward.now());
  REQUIRE(commands);
  ward.take(std::move(*commands));
  CHECK(ward.kept().acknowledged_by == "uid 0 (root)");
  CHECK(ward.last(TimelineKind::human) == "acknowledged by uid 0 (root): on it");
  ward.observe();  // detection's view does not undo it
  CHECK(ward.kept().acknowledged_by == "uid 0 (root)");
  ward.pass(16min, 1min);
  CHECK(ward.kept().state == IncidentState::escalated);  // nobody answered the proposal
  CHECK(ward.notices.size() == 1);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK_FALSE(ward.response->acknowledge(ward.incident.id, "root", "", ward.now()));
  ward.fire();
  CHECK(ward.kept().acknowledged_by.empty());
}

TEST_CASE("an incident that is not known cannot be acknowledged") {
  Ward ward;
  CHECK_FALSE(ward.response->acknowledge("00000000000000ff", "root", "", ward.now()));
}
