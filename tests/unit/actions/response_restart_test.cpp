// SPDX-License-Identifier: Apache-2.0
// What outlives a restart or a change of the configuration, and what always holds.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;
using guard::TargetState;

TEST_CASE("detection's own entries and fields are taken over, ours are kept") {
  Ward ward(Tier::observe);
  ward.observe();
  const auto revision = ward.kept().revision;
  ward.observe();
  CHECK(ward.kept().revision == revision);  // nothing new
  ward.incident.severity = Severity::critical;
  add_timeline(ward.incident, ward.host.wall(), TimelineKind::evidence, "and it is slow");
  ward.observe();
  ward.observe();
  CHECK(ward.kept().severity == Severity::critical);
  CHECK(ward.entries(TimelineKind::evidence) == 1);
  CHECK(ward.entries(TimelineKind::opened) == 1);
  CHECK(ward.entries(TimelineKind::diagnosed) == 1);
  CHECK(ward.entries(TimelineKind::planned) == 1);
  CHECK(ward.kept().revision == revision + 1);
}

TEST_CASE("after a restart an open order waits for its outcome and is never given again") {
  Ward first;
  first.observe();
  const Incident stored = first.kept();
  const Order open = first.orders[0];
  const auto revived = [&](Ward& ward, const std::optional<Order>& order) {
    ward.host.advance(5s);
    ward.ledger = first.ledger;
    ward.orders = {open};
    ward.response->restore(stored, order);
  };

  Ward done;
  revived(done, open);
  done.pass(5s);
  CHECK(done.kept().state == IncidentState::acting);
  CHECK(done.orders.size() == 1);
  done.host.unit("active");
  done.outcome(OutcomeResult::done);
  done.incident = stored;
  done.quiet(false);
  done.pass(2s);
  CHECK(done.kept().state == IncidentState::resolved);
  CHECK(done.entries(TimelineKind::opened) == 1);

  Ward unknown;
  revived(unknown, open);
  unknown.outcome(OutcomeResult::interrupted);
  unknown.pass(10s);
  CHECK(unknown.orders.size() == 1);
  unknown.pass(60s);
  REQUIRE(unknown.orders.size() == 2);
  CHECK(unknown.orders[1].key != open.key);

  Ward lost;
  revived(lost, std::nullopt);
  lost.pass(1s);
  CHECK(lost.says(TimelineKind::note, "the daemon was restarted; judged again"));
  CHECK(lost.orders.size() == 1);  // the ledger's unfinished order holds it
}

TEST_CASE("after a restart an escalated incident does not tell the same again") {
  Ward first;
  first.restarts = 5;
  first.observe();
  REQUIRE(first.notices.size() == 1);
  Ward second;
  second.restarts = 5;
  second.response->restore(first.kept(), std::nullopt);
  second.pass(10s);
  CHECK(second.kept().state == IncidentState::escalated);
  second.quiet();
  second.fire();
  CHECK(second.kept().state == IncidentState::escalated);
  CHECK(second.notices.empty());
}

TEST_CASE("after a restart a runbook may be gone") {
  Ward first;
  first.observe();
  for (const OutcomeResult result : {OutcomeResult::done, OutcomeResult::failed, OutcomeResult::expired,
                                     OutcomeResult::refused, OutcomeResult::interrupted}) {
    CAPTURE(to_string(result));
    Ward ward;
    ward.response->reconfigure({}, ward.policy);
    ward.response->restore(first.kept(), first.orders[0]);
    ward.orders = first.orders;
    ward.ledger = first.ledger;
    ward.outcome(result);
    ward.pass(10min, 10s);
    CHECK(ward.orders.size() == 1);
    CHECK(ward.kept().state == IncidentState::escalated);
  }
}

TEST_CASE("a tier that is raised while the incident is open acts on it") {
  Ward ward(Tier::observe);
  ward.observe();
  ward.policy.tier = Tier::automatic;
  ward.response->reconfigure(ward.runbooks, ward.policy);
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("a forgotten incident is gone") {
  Ward ward(Tier::observe);
  ward.observe();
  ward.response->forget(ward.incident.id);
  CHECK(ward.response->incidents().empty());
  ward.pass(1s);
  CHECK(ward.response->proposals().empty());
}

// Anything may happen in any order. What must always hold: no order while halted or in observe, never two orders at
// once, never more than the limit in a window, keys are unique, the timeline is bounded.
TEST_CASE("invariants hold over random courses of events") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Ward ward(static_cast<Tier>(random() % 4));
    ward.observe();
    bool under_way = false;
    for (int i = 0; i < 600; ++i) {
      const std::size_t before = ward.orders.size();
      under_way = !ward.ledger.empty() && !ward.ledger.back().finished;
      switch (random() % 10) {
        case 0: ward.halted = !ward.halted; break;
        case 1: ward.target = static_cast<TargetState>(random() % 5); break;
        case 2: ward.host.unit(random() % 2 == 0 ? "active" : "failed"); break;
        case 3: ward.quiet(random() % 2 == 0); break;
        case 4: ward.fire(); break;
        case 5:
          if (under_way) ward.outcome(static_cast<OutcomeResult>(random() % 7));
          break;
        case 6: {
          auto commands = ward.response->approve(ward.incident.id, "uid 0 (root)", "", ward.host.view(), ward.now());
          if (commands) ward.take(std::move(*commands));
          break;
        }
        default: ward.pass((random() % 90) * 1s, 10s); break;
      }
      if (ward.orders.size() > before) {
        REQUIRE(ward.orders.size() == before + 1);
        REQUIRE_FALSE(ward.halted);
        REQUIRE(ward.policy.tier >= Tier::approve);
        REQUIRE((ward.policy.tier == Tier::automatic || !ward.orders.back().approved_by.empty()));
      }
      REQUIRE(ward.kept().timeline.size() <= kMostTimeline);
      REQUIRE((ward.kept().state == IncidentState::resolved) == ward.kept().closed_at.has_value());
    }
    std::set<std::string> keys;
    for (const Order& order : ward.orders) keys.insert(order.key);
    CHECK(keys.size() == ward.orders.size());
    std::set<std::string> notices(ward.notices.begin(), ward.notices.end());
    CHECK(notices.size() == ward.notices.size());
  }
}
