// SPDX-License-Identifier: Apache-2.0
// What a runbook asks for before it acts, which of its steps goes first, and what a human may choose.
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

const Entity kApp{EntityKind::container, "app"};

// Three ways to treat a container.
Runbook three_ways() {
  Runbook runbook;
  runbook.name = "three-ways";
  runbook.kinds = {"container.unhealthy"};
  for (const char* action : {"container.pause", "container.restart", "container.stop"})
    runbook.steps.push_back(step(action, Check::Subject::incident_quiet, OnFailure::next));
  return runbook;
}

struct Container : Ward {
  explicit Container(Runbook runbook, Tier tier = Tier::automatic) : Ward(tier, std::move(runbook)) {
    incident = incident_on(kApp, "container.unhealthy", host);
    incident.fingerprint = "feedfeedfeedfeed";
  }
  void learnt(const std::string& action, int helped, int failed) {
    Experience experience;
    for (int i = 0; i < helped; ++i)
      experience.note(incident.fingerprint, incident.kind, action, true, false, host.wall());
    for (int i = 0; i < failed; ++i)
      experience.note(incident.fingerprint, incident.kind, action, false, false, host.wall());
    std::vector<ExperienceRow> rows = experience.rows();
    for (const ExperienceRow& row : response->experience().rows()) rows.push_back(row);
    response->set_experience(std::move(rows));
  }
};

}  // namespace

TEST_CASE("a runbook is taken when its condition holds, and not before; what is not known does not hold") {
  Runbook careful = restart_runbook();
  careful.when = "calm";
  Ward ward(Tier::automatic, careful);
  ward.observe();
  CHECK(ward.says(TimelineKind::note, "service-restart only when calm is what it is"));
  ward.pass(5s);
  ward.said.answers["calm"] = false;
  ward.pass(5s);
  CHECK(ward.orders.empty());
  CHECK(ward.kept().state == IncidentState::open);
  ward.said.answers["calm"] = true;
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("a grave incident whose runbooks never come to apply calls a human once") {
  Runbook careful = restart_runbook();
  careful.when = "calm";
  Ward ward(Tier::automatic, careful);
  ward.observe();
  ward.pass(29s);
  CHECK(ward.notices.empty());
  ward.pass(2min);
  CHECK(ward.notices.size() == 1);
  CHECK(ward.kept().state == IncidentState::escalated);
  ward.said.answers["calm"] = true;
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("the next runbook that fits is taken while the first one's condition does not hold") {
  Runbook first = restart_runbook(), second = restart_runbook();
  first.name = "first", first.when = "calm";
  second.name = "second";
  Ward ward(Tier::automatic, first);
  ward.runbooks.push_back(second);
  ward.response->reconfigure(ward.runbooks, ward.policy);
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.orders[0].runbook == "second");
}

TEST_CASE("what a runbook requires must hold before its first step, and again before the next") {
  Runbook careful = restart_runbook();
  careful.requirements = {{"up", "the boot is at work"}, {"idle", "people are on it"}};
  Ward ward(Tier::automatic, careful);
  ward.observe();
  ward.said.answers = {{"up", true}, {"idle", false}};
  ward.pass(1s);
  CHECK(ward.orders.empty());
  CHECK(ward.says(TimelineKind::note, "waits: people are on it (idle is what it is)"));
  ward.pass(4min);
  CHECK(ward.notices.empty());
  ward.said.answers["idle"] = true;
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);

  Ward never(Tier::automatic, careful);
  never.observe();
  never.pass(6min);
  CHECK(never.orders.empty());
  REQUIRE(never.notices.size() == 1);
  CHECK(never.notices[0].find("the boot is at work") != std::string::npos);
}

TEST_CASE("a condition proves a step, and what is not known does not") {
  Runbook runbook = restart_runbook();
  runbook.steps[0].verify.subject = Check::Subject::condition;
  runbook.steps[0].verify.condition = "served";
  Ward ward(Tier::automatic, runbook);
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(5s);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.said.answers["served"] = true;
  ward.quiet(false);
  ward.pass(2s);
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.says(TimelineKind::verified, "served is what it is, "));
}

TEST_CASE("a step that only prepares is followed by the next, and nothing is learnt of it") {
  Runbook runbook = three_ways();
  runbook.steps[0].verify.subject = Check::Subject::none;
  Container ward(runbook);
  ward.policy.cooldown = 0s;
  ward.response->reconfigure(ward.runbooks, ward.policy);
  ward.observe();
  ward.outcome(OutcomeResult::done);
  REQUIRE(ward.orders.size() == 2);
  CHECK(ward.orders[1].plan.action == "container.restart");
  CHECK(ward.lessons.empty());

  Container unknown(runbook);
  unknown.policy.cooldown = 0s;
  unknown.response->reconfigure(unknown.runbooks, unknown.policy);
  unknown.observe();
  unknown.outcome(OutcomeResult::failed, "no space");
  CHECK(unknown.orders.size() == 2);
  CHECK(unknown.says(TimelineKind::verified, "it failed: no space"));
}

TEST_CASE("by expected success: what helped goes first, what prepares before it; else in order") {
  Runbook runbook = three_ways();
  Container in_order(runbook);
  in_order.learnt("container.stop", 9, 0);
  in_order.observe();
  CHECK(in_order.orders[0].plan.action == "container.pause");

  runbook.choose = Choice::success;
  Container fresh(runbook);
  fresh.observe();
  CHECK(fresh.orders[0].plan.action == "container.pause");  // nothing is known: as written

  Container wise(runbook);
  wise.learnt("container.pause", 0, 4);
  wise.learnt("container.stop", 9, 0);
  wise.observe();
  REQUIRE(wise.orders.size() == 1);
  CHECK(wise.orders[0].plan.action == "container.stop");
  CHECK(wise.orders[0].step == 2);

  runbook.steps[1].verify.subject = Check::Subject::none;
  Container prepared(runbook);
  prepared.learnt("container.stop", 9, 0);
  prepared.observe();
  CHECK(prepared.orders[0].plan.action == "container.restart");
}

TEST_CASE("what came of a step is learnt, and lowers what is trusted next time") {
  Runbook runbook = three_ways();
  runbook.choose = Choice::success;
  Container ward(runbook);
  ward.policy.confidence_act = ward.policy.confidence_reversible = 0.2;
  ward.response->reconfigure(ward.runbooks, ward.policy);
  ward.observe();
  CHECK(ward.orders[0].confidence == doctest::Approx(0.99));
  ward.outcome(OutcomeResult::failed, "it does not answer");
  REQUIRE(ward.lessons.size() == 1);
  CHECK(ward.lessons[0].action == "container.pause");
  CHECK(ward.lessons[0].fingerprint == "feedfeedfeedfeed");
  CHECK(ward.lessons[0].kind == "container.unhealthy");
  CHECK_FALSE(ward.lessons[0].helped);
  CHECK_FALSE(ward.lessons[0].supervised);
  ward.pass(1min);
  REQUIRE(ward.orders.size() == 2);
  ward.outcome(OutcomeResult::done);
  ward.quiet(false);
  ward.pass(2s);
  REQUIRE(ward.lessons.size() == 2);
  CHECK(ward.lessons[1].helped);

  Container doubted(three_ways());
  doubted.learnt("container.pause", 0, 3);
  doubted.observe();
  CHECK(doubted.orders.empty());  // held by its confidence: a human is asked
  REQUIRE(doubted.response->proposals().size() == 1);
  CHECK(doubted.response->proposals()[0].order.confidence < 0.7);
}

TEST_CASE("a human may approve another step of the runbook than the proposed one") {
  Container ward(three_ways(), Tier::approve);
  ward.observe();
  std::vector<Proposal> waiting = ward.response->proposals();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].order.plan.action == "container.pause");
  REQUIRE(waiting[0].others.size() == 2);
  const Order chosen = waiting[0].others[1];
  CHECK(chosen.plan.action == "container.stop");
  CHECK(chosen.key.size() == 24);
  CHECK(chosen.key != waiting[0].order.key);
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0", std::string(24, 'f'), ward.host.view(), ward.now()));
  ward.pass(5s);
  auto commands = ward.response->approve(ward.incident.id, "uid 0", chosen.key, ward.host.view(), ward.now());
  REQUIRE(commands);
  ward.take(*commands);
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.orders[0].key == chosen.key);
  CHECK(ward.orders[0].plan.action == "container.stop");
  CHECK(ward.orders[0].approved_by == "uid 0");
  CHECK(ward.says(TimelineKind::approval, "approved by uid 0: stop container app"));
  ward.outcome(OutcomeResult::done);
  ward.quiet(false);
  ward.pass(2s);
  REQUIRE(ward.lessons.size() == 1);
  CHECK(ward.lessons[0].supervised);
}

TEST_CASE("what the runbook asks of the guard goes with the order") {
  Runbook runbook = three_ways();
  runbook.not_while = {"backup", "migration"};
  runbook.cooldown = 10min;
  runbook.touched_most = 2;
  Container ward(runbook);
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.orders[0].not_while == "backup migration");
  CHECK(ward.orders[0].cooldown == 10min);
  CHECK(ward.orders[0].touched_most == 2);
}

TEST_CASE("a step that tells people is told in its place, once, and asks nobody's leave") {
  Runbook runbook = restart_runbook();
  Step first = step("notify", Check::Subject::none, OnFailure::next), last = first;
  first.params = {{"text", "the shop goes away for a moment"}};
  last.params = {{"text", "it did not help"}};
  runbook.steps.insert(runbook.steps.begin(), first);
  runbook.steps.resize(2);
  runbook.steps[1].on_failure = OnFailure::next;
  runbook.steps.push_back(last);
  SUBCASE("before the order, and after it was in vain") {
    Ward ward(Tier::automatic, runbook);
    ward.observe();
    REQUIRE(ward.orders.size() == 1);
    CHECK(ward.orders[0].plan.action == "service.restart");
    CHECK(ward.orders[0].step == 1);
    CHECK(ward.says(TimelineKind::note, "told: the shop goes away for a moment"));
    CHECK(ward.notices.size() == 1);
    ward.outcome(OutcomeResult::failed);
    ward.pass(1s);
    CHECK(ward.says(TimelineKind::note, "told: it did not help"));
    CHECK(ward.kept().state == IncidentState::escalated);
  }
  SUBCASE("not where it may only observe") {
    Ward ward(Tier::observe, runbook);
    ward.observe();
    ward.pass(5s);
    CHECK(ward.says(TimelineKind::note, "would have told: the shop goes away for a moment"));
    CHECK(ward.notices.empty());
    CHECK(ward.orders.empty());
  }
  SUBCASE("and where nothing else is in the runbook, nothing else happens") {
    runbook.steps = {first};
    Ward ward(Tier::automatic, runbook);
    ward.observe();
    ward.pass(5min);
    CHECK(ward.notices.size() == 1);
    CHECK(ward.orders.empty());
    CHECK(ward.kept().state == IncidentState::open);
  }
}
