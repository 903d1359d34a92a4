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
    ward.response->restore(stored, order ? std::vector<OrderRow>{{*order, {}}} : std::vector<OrderRow>{}, ward.now());
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

TEST_CASE("a proof that a restart broke off is made anew, from what is seen after it") {
  Ward first;
  first.observe();
  first.outcome(OutcomeResult::done);
  REQUIRE(first.kept().state == IncidentState::verifying);
  const std::vector<OrderRow> orders{{first.orders[0], first.answers[0]}};
  const auto revive = [&](Ward& ward) {
    ward.host.advance(5s);
    ward.ledger = first.ledger;
    ward.incident = first.kept();
    ward.response->restore(first.kept(), orders, ward.now());
  };

  Ward helped;
  revive(helped);
  helped.host.unit("active");
  helped.pass(1s);
  CHECK(helped.kept().state == IncidentState::verifying);
  CHECK(helped.says(TimelineKind::note, "proved anew"));
  helped.quiet(false);
  helped.pass(2s);
  CHECK(helped.kept().state == IncidentState::resolved);
  CHECK(helped.entries(TimelineKind::verified) == 1);
  CHECK(helped.orders.empty());

  Ward useless;
  revive(useless);
  useless.pass(14s);
  CHECK(useless.kept().state == IncidentState::verifying);
  useless.pass(2s);
  CHECK(useless.kept().state == IncidentState::escalated);
  CHECK(useless.orders.empty());
}

TEST_CASE("quiet after a restart is no proof: detection has not seen what was before") {
  Runbook runbook = restart_runbook();
  runbook.steps[0].verify.subject = Check::Subject::incident_quiet;
  Ward first(Tier::automatic, runbook);
  first.observe();
  first.outcome(OutcomeResult::done);
  Ward after(Tier::automatic, runbook);
  after.ledger = first.ledger;
  after.incident = first.kept();
  after.response->restore(first.kept(), {{first.orders[0], first.answers[0]}}, after.now());
  after.quiet();
  after.pass(30s);
  CHECK(after.kept().state == IncidentState::resolved);
  CHECK(after.entries(TimelineKind::verified) == 0);
  CHECK(after.says(TimelineKind::resolved, "whether the step did it was not seen"));
}

TEST_CASE("what was tried before a restart is not tried again, and is handed over") {
  Runbook ladder = restart_runbook();
  ladder.steps = {step("service.reload", Check::Subject::unit_active, OnFailure::next),
                  step("service.restart", Check::Subject::unit_active, OnFailure::escalate)};
  Ward first(Tier::automatic, ladder);
  first.observe();
  REQUIRE(first.orders[0].plan.action == "service.reload");
  first.outcome(OutcomeResult::failed, "the unit has no reload");
  Incident stored = first.kept();
  stored.state = IncidentState::open;
  Ward after(Tier::automatic, ladder);
  after.policy.cooldown = {};
  after.response->reconfigure(after.runbooks, after.policy);
  after.host.advance(10min);
  after.incident = stored;
  after.response->restore(stored, {{first.orders[0], first.answers[0]}}, after.now());
  after.pass(2s);
  REQUIRE(after.orders.size() == 1);
  CHECK(after.orders[0].plan.action == "service.restart");
  after.outcome(OutcomeResult::failed, "it does not start");
  REQUIRE(after.kept().state == IncidentState::escalated);
  const auto& handed = after.kept().timeline.back().attributes;
  CHECK(
      std::ranges::any_of(handed, [](const Attribute& one) { return one.value.ends_with("the unit has no reload"); }));
}

TEST_CASE("what was proved before a restart stays proved") {
  Ward first;
  first.observe();
  first.outcome(OutcomeResult::done);
  first.host.unit("active");
  first.pass(3s);
  REQUIRE(first.entries(TimelineKind::verified) == 1);
  REQUIRE(first.kept().state == IncidentState::verifying);
  Ward after;
  after.incident = first.kept();
  after.response->restore(first.kept(), {{first.orders[0], first.answers[0]}}, after.now());
  after.quiet(false);
  after.pass(1s);
  CHECK(after.kept().state == IncidentState::resolved);
  CHECK(after.entries(TimelineKind::verified) == 1);
  CHECK(after.says(TimelineKind::resolved, "is active again"));
}

TEST_CASE("after a restart an escalated incident does not tell the same again") {
  Ward first;
  first.restarts = 5;
  first.observe();
  REQUIRE(first.notices.size() == 1);
  Ward second;
  second.restarts = 5;
  second.response->restore(first.kept(), {}, second.now());
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
    ward.response->restore(first.kept(), {{first.orders[0], {}}}, ward.now());
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
