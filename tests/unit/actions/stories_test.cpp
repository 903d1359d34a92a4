// SPDX-License-Identifier: Apache-2.0
// How healers did harm elsewhere, each as a test that it cannot happen here. The numbers are those of the table of
// failures that the design was made against. Told elsewhere: 8 and 9 also in actuator/stories_test.cpp, with 10 (what a
// boot ended is known by the boot's id) and 18 (a started order is on disk before it runs; kill -9 at any point); 11
// with the effects on the network (a block ends by itself, and is renewed, not added to); 12 and 13 also with their
// effects; 25, 28 and 29 in pipeline/stories_test.cpp, where the whole loop is needed.
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;
using guard::TargetState;

namespace {

// An order that the guard allows, on a quiet host.
struct Asked {
  guard::Policy policy;
  Order order;
  guard::Circumstances now;

  Asked() {
    policy.tier = Tier::automatic;
    order.key = "new";
    order.runbook = "service-restart";
    order.plan.action = "service.restart";
    order.plan.target = kNginx;
    order.confidence = 0.99;
    order.signals = 2;
    now.uptime = 1h;
    now.target = TargetState::faulty;
    now.entities_of_kind = 10;
    at(kEpoch);
  }
  void at(WallTime when) {
    now.now = order.issued_at = when;
    order.expires_at = when + 30s;
  }
  Decision decision() const { return guard::judge(policy, order, now).decision; }
  std::string summary() const { return guard::judge(policy, order, now).summary(); }
  // Asks under a new name, and remembers what was allowed as done.
  bool act() {
    order.key = "order-" + std::to_string(asked_++);
    if (decision() != Decision::allow) return false;
    guard::PastAction past;
    past.key = order.key;
    past.target = order.plan.target;
    past.runbook = order.runbook;
    past.action = order.plan.action;
    past.at = now.now;
    past.finished = true;
    past.result = OutcomeResult::done;
    now.history.push_back(past);
    return true;
  }

 private:
  int asked_ = 0;
};

// A treatment from the fault to its proof.
void treat_and_prove(Ward& ward) {
  ward.host.unit("failed");
  ward.target = TargetState::faulty;
  ward.fire();
  const std::size_t before = ward.orders.size();
  ward.pass(1s);
  if (ward.orders.size() == before && (ward.orders.empty() || ward.kept().state != IncidentState::acting)) return;
  ward.host.unit("active");
  ward.target = TargetState::recovered;
  ward.outcome(OutcomeResult::done);
  ward.quiet(false);
  ward.pass(2s);
}

}  // namespace

TEST_CASE("story 1: pressure alone kills nothing, and neither what is gone nor what is fine again is acted on") {
  Ward ward;
  ward.incident.proof = false;
  ward.incident.signals = 1;
  ward.observe();
  ward.pass(60s);
  CHECK(ward.orders.empty());  // one signal, however long
  ward.incident.signals = 2;
  for (const TargetState state : {TargetState::gone, TargetState::recovered, TargetState::unknown}) {
    ward.target = state;
    ward.observe();
    ward.pass(60s);
    CHECK(ward.orders.empty());
  }
  ward.target = TargetState::faulty;
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("story 2: a hand that is asked twice a second keeps to its budget, whoever it is to act on") {
  Asked asked;
  int done = 0;
  for (int i = 0; i < 3600; ++i) {  // half an hour
    asked.at(kEpoch + i * 500ms);
    asked.order.plan.target.name = "pod" + std::to_string(i) + ".service";
    done += asked.act() ? 1 : 0;
  }
  CHECK(done == asked.policy.per_runbook.count);
  asked.order.runbook = "another";
  for (int i = 0; i < 3600; ++i) done += asked.act() ? 1 : 0, asked.order.plan.target.name += "x";
  CHECK(done == asked.policy.per_host.count);
}

TEST_CASE("story 3: what is protected is not the victim, and what was hit is told exactly") {
  Ward spared;
  spared.policy.protected_entities = {"service:nginx*"};
  spared.response->reconfigure(spared.runbooks, spared.policy);
  spared.observe();
  spared.pass(10min);
  CHECK(spared.orders.empty());
  CHECK(spared.kept().state == IncidentState::escalated);

  Ward hit;
  hit.observe();
  REQUIRE(hit.orders.size() == 1);
  Outcome outcome = hit.answer(OutcomeResult::done);
  outcome.details = {{"victim", "stress, pid 41, 3.1GiB"}};
  hit.take(hit.response->outcome(outcome, hit.host.view(), hit.now()));
  const auto acted = std::ranges::find(hit.kept().timeline, TimelineKind::acted, &TimelineEntry::kind);
  REQUIRE(acted != hit.kept().timeline.end());
  CHECK(std::ranges::any_of(acted->attributes, [](const Attribute& detail) {
    return detail.key == "victim" && detail.value == "stress, pid 41, 3.1GiB";
  }));
}

TEST_CASE("story 4: while an effect is awaited there is no second victim, and what never ends is a failure") {
  Ward ward;
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  for (int i = 0; i < 20; ++i) {
    ward.fire();  // memory is freed late: the signal goes on
    ward.pass(500ms, 500ms);
  }
  CHECK(ward.orders.size() == 1);
  ward.outcome(OutcomeResult::done);
  for (int i = 0; i < 28; ++i) {
    ward.fire();
    ward.pass(500ms, 500ms);
  }
  CHECK(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.pass(60s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.orders.size() == 1);

  Ward silent;  // nobody ever says what came of it
  silent.observe();
  silent.pass(20min);
  CHECK(silent.says(TimelineKind::acted, "interrupted"));
  CHECK(silent.orders.size() <= 2);
  CHECK(silent.kept().state == IncidentState::escalated);
}

TEST_CASE("story 5: what is seen while a restart settles does not restart again, and a proof ends the count") {
  Ward ward;
  treat_and_prove(ward);
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::resolved);
  ward.quiet();
  ward.pass(30min);
  treat_and_prove(ward);  // another fault, treated like the first
  CHECK(ward.orders.size() == 2);
  CHECK(ward.kept().state == IncidentState::resolved);

  Ward shaky;
  shaky.observe();
  shaky.outcome(OutcomeResult::done);
  for (int i = 0; i < 10; ++i) {  // one bad probe among good ones
    shaky.host.unit(i % 2 == 0 ? "active" : "failed");
    shaky.fire();
    shaky.pass(900ms, 900ms);
    CHECK(shaky.orders.size() == 1);
  }
}

TEST_CASE("story 6: so many in a window means just that, a reload forgets none, and the verdict says the numbers") {
  Ward ward;
  for (int i = 0; i < 3; ++i) {
    treat_and_prove(ward);
    ward.response->reconfigure(ward.runbooks, ward.policy);
    ward.quiet();
    ward.pass(10min);
  }
  REQUIRE(ward.orders.size() == 3);
  Ward after;  // and neither does a restart
  after.host.advance(ward.host.wall() - after.host.wall());
  after.ledger = ward.ledger;
  after.incident.id = "00000000000000b2";
  after.observe();
  after.pass(1min);
  CHECK(after.orders.empty());
  CHECK(after.says(TimelineKind::verdict, "3 of 3 actions on service:nginx.service in 1h0m"));
}

TEST_CASE("story 7: a service that falls every seven seconds is not restarted 1,655 times but told of") {
  Ward ward;
  for (Duration passed{}; passed < 4h; passed += 7s) {
    treat_and_prove(ward);
    ward.pass(4s);
  }
  CHECK(ward.orders.size() >= 1);
  CHECK(ward.orders.size() <= 12);  // three in any hour
  CHECK_FALSE(ward.notices.empty());

  Ward loop;  // systemd restarts it: that counts as well
  loop.restarts = 5;
  loop.observe();
  loop.pass(1h);
  CHECK(loop.orders.empty());
  CHECK(loop.kept().state == IncidentState::escalated);
  CHECK(loop.says(TimelineKind::verdict, "5 restarts in 10m0s"));
}

TEST_CASE("story 8: a service that systemd is about to restart is left to systemd, in whatever rhythm") {
  Ward ward;
  ward.target = TargetState::changing;
  ward.observe();
  for (int i = 0; i < 200; ++i) ward.pass(1s + i % 7 * 100ms, 300ms);
  CHECK(ward.orders.empty());

  Ward step;  // fallen for a moment each time, then starting again
  for (int i = 0; i < 120; ++i) {
    step.target = i % 10 == 0 ? TargetState::faulty : TargetState::changing;
    const std::size_t before = step.orders.size();
    step.observe();
    step.pass(500ms, 500ms);
    if (step.orders.size() > before) CHECK(step.target == TargetState::faulty);
    if (step.kept().state == IncidentState::acting)
      step.outcome(OutcomeResult::unnecessary);  // it was starting by then
  }
  CHECK_FALSE(step.orders.empty());
}

TEST_CASE("story 9: what waited or was open when it stopped is not carried out afterwards") {
  Ward before;
  before.observe();
  const Incident stored = before.kept();
  Ward after;
  after.host.advance(5h);
  after.ledger = before.ledger;
  after.host.unit("active");
  after.target = TargetState::recovered;
  after.response->restore(stored, {{before.orders[0], {}}}, after.now());
  after.pass(1min);
  CHECK(after.orders.empty());

  Ward halted;  // the breaker is closed again after days
  halted.halted = true;
  halted.observe();
  halted.pass(1h, 10s);
  halted.host.unit("active");
  halted.target = TargetState::recovered;
  halted.quiet();
  halted.pass(1h, 10s);
  halted.halted = false;
  halted.pass(10min);
  CHECK(halted.orders.empty());
  CHECK(halted.kept().state == IncidentState::resolved);

  Asked stale;
  stale.now.now += 5h;
  CHECK(stale.decision() == Decision::deny);
}

TEST_CASE("story 12: our own address and what the administrator lists is never blocked, and that is asked last") {
  Asked asked;
  asked.policy.never_block = {"198.51.100.*"};
  asked.order.plan.target = {EntityKind::endpoint, "203.0.113.9"};
  CHECK(asked.decision() == Decision::allow);
  for (const char* peer : {"127.0.0.1", "::1", "198.51.100.7", "[::ffff:198.51.100.7]:443"}) {
    asked.order.plan.target.name = peer;
    CHECK_MESSAGE(asked.decision() == Decision::deny, peer);
    asked.now.approved_by = "uid 0 (root)";
    CHECK_MESSAGE(asked.decision() == Decision::deny, peer);
    asked.now.approved_by.clear();
  }
  CHECK(guard::rules().back().name == "never-touch");

  Asked banned;  // the refusals that our ban causes are no reason to ban again
  banned.now.self_inflicted = "network.block of incident 7, 2.0s before it began";
  CHECK(banned.decision() == Decision::deny);
}

TEST_CASE("story 13: what failed to be set once is not set again and again") {
  Ward ward;
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  ward.outcome(OutcomeResult::failed, "wrote 1000, read back 7");
  for (int i = 0; i < 600; ++i) {
    ward.fire();
    ward.pass(1s);
  }
  CHECK(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::escalated);

  Asked asked;  // and a runbook whose writes keep failing is not asked any more, on no target
  asked.policy.per_runbook = asked.policy.per_host = {1000, 1h};
  int tries = 0;
  for (int i = 0; i < 100; ++i) {
    asked.at(kEpoch + i * 10s);
    asked.order.plan.target.name = "s" + std::to_string(i) + ".service";
    if (!asked.act()) continue;
    asked.now.history.back().result = OutcomeResult::failed;
    ++tries;
  }
  CHECK(tries == asked.policy.disarm_failures);
  CHECK(asked.summary().find("until a human arms it again") != std::string::npos);
}

TEST_CASE("story 24: the same action is not done twice, by one name or beside itself") {
  Asked asked;
  REQUIRE(asked.act());
  const guard::PastAction first = asked.now.history.back();
  asked.order.key = first.key;
  asked.at(kEpoch + 10h);
  CHECK(asked.decision() == Decision::deny);
  asked.order.key = "another";
  asked.now.history.back().finished = false;
  CHECK(asked.decision() == Decision::hold);  // it may be under way still

  Ward ward;
  for (int i = 0; i < 50; ++i) ward.observe();  // the same trigger over and over
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("story 26: a long job is not cut off by a repair; it waits, and then acts on what is still wrong") {
  Asked asked;
  asked.order.not_while = "backup database-maintenance";
  asked.now.busy = {"database-maintenance: vacuumdb, pid 90"};
  for (int minute = 0; minute < 120; ++minute) {
    asked.at(kEpoch + minute * 1min);
    CHECK_FALSE(asked.act());
  }
  asked.now.approved_by = "uid 0 (root)";  // whoever approved may not know of it
  CHECK_FALSE(asked.act());
  asked.now.approved_by.clear();
  asked.now.busy.clear();
  asked.now.target = TargetState::recovered;
  CHECK_FALSE(asked.act());
  asked.now.target = TargetState::faulty;
  CHECK(asked.act());
}

TEST_CASE("story 27: a host that boots starts its services itself") {
  Asked asked;
  asked.now.uptime = 10s;
  CHECK(asked.decision() == Decision::hold);
  asked.now.uptime = asked.policy.boot_grace;
  asked.now.target = TargetState::changing;
  CHECK(asked.decision() == Decision::hold);
  asked.now.target = TargetState::faulty;
  CHECK(asked.decision() == Decision::allow);
}

TEST_CASE("story 28: after a restart or a reload an incident is the same one and is told once") {
  Ward before(Tier::observe);
  before.incident.kind = "service.unknown_trouble";  // no runbook: a human is told
  before.observe();
  before.pass(1min);
  REQUIRE(before.notices.size() == 1);
  before.response->reconfigure(before.runbooks, before.policy);
  before.observe();
  before.pass(1min);
  CHECK(before.notices.size() == 1);

  Ward after(Tier::observe);
  after.host.advance(before.host.wall() - after.host.wall());
  after.response->restore(before.kept(), {}, after.now());
  after.incident = before.incident;
  after.observe();
  after.pass(1min);
  CHECK(after.notices.empty());
  CHECK(after.response->incidents().size() == 1);
  CHECK(after.kept().id == before.kept().id);
}
