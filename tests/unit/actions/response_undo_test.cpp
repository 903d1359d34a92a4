// SPDX-License-Identifier: Apache-2.0
// What did not help is taken back; what made it worse, at once; and measures that end by themselves.
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

const Entity kApp{EntityKind::container, "app"};

Runbook pause_runbook(OnFailure on_failure, Duration lasts = 0s) {
  Runbook runbook;
  runbook.name = "pause";
  runbook.kinds = {"container.cpu_limited"};
  runbook.notes = "look at its queue";
  runbook.steps = {step("container.pause", Check::Subject::incident_quiet, on_failure),
                   step("container.restart", Check::Subject::incident_quiet, OnFailure::escalate)};
  runbook.steps[0].params = {{"for", format_duration(lasts)}};
  if (lasts == 15min) runbook.steps[0].params = {{"for", "15m"}};
  if (lasts == 0s) runbook.steps[0].params = {{"for", "0s"}};
  return runbook;
}

struct Container : Ward {
  explicit Container(Runbook runbook) : Ward(Tier::automatic, std::move(runbook)) {
    incident = incident_on(kApp, "container.cpu_limited", host);
    incident.fingerprint = "feedfeedfeedfeed";
    Anomaly& signal = incident.anomalies[0];
    signal.value = 0.90, signal.expected = 0.80, signal.unit = Unit::ratio, signal.direction = Direction::above;
  }
  void seen(double value) { incident.anomalies[0].value = value; }
};

}  // namespace

TEST_CASE("a step that is not proved is taken back, then the next one follows") {
  Container ward(pause_runbook(OnFailure::next));
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  const std::string first = ward.orders[0].key;
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  REQUIRE(ward.orders.size() == 2);
  const Order undo = ward.orders[1];
  CHECK(undo.undoes == first);
  CHECK(undo.key != first);
  CHECK(undo.plan.action == "container.pause");
  CHECK(undo.plan.what == "take back: pause container app");
  CHECK(ward.kept().state == IncidentState::acting);
  ward.pass(5s);
  CHECK(ward.orders.size() == 2);  // nothing else before it has ended
  ward.outcome(OutcomeResult::done, "it goes on");
  CHECK(ward.says(TimelineKind::undone, "taken back: pause container app; done: it goes on"));
  ward.pass(2min);
  REQUIRE(ward.orders.size() == 3);
  CHECK(ward.orders[2].plan.action == "container.restart");
  CHECK(ward.orders[2].undoes.empty());
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  CHECK(ward.orders.size() == 3);  // a restart cannot be taken back
  CHECK(ward.kept().state == IncidentState::escalated);
  const TimelineEntry& handed_over = ward.kept().timeline.back();
  REQUIRE(handed_over.kind == TimelineKind::escalated);
  CHECK(handed_over.attributes[1].value == "pause container app: no proof in 15.0s; taken back");
  CHECK(handed_over.attributes[2].value == "restart container app: no proof in 15.0s");
  CHECK(handed_over.attributes[3].key == "next");
  CHECK(handed_over.attributes[3].value == "look at its queue");
}

TEST_CASE("nothing is taken back when the runbook says so, or when it is not known to have been done") {
  Runbook stays = pause_runbook(OnFailure::stop);
  stays.steps[0].undo = false;
  Container ward(stays);
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(1min);
  CHECK(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::open);

  Container failed(pause_runbook(OnFailure::stop));
  failed.observe();
  failed.outcome(OutcomeResult::failed, "no such container");
  failed.pass(1min);
  CHECK(failed.orders.size() == 1);
}

TEST_CASE("what was done without being sure enough is taken back whatever the runbook says, and a human is told") {
  Runbook stays = pause_runbook(OnFailure::escalate);
  stays.steps[0].undo = false;
  Container ward(stays);
  ward.incident.confidence = 0.8;
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  REQUIRE(ward.notices.size() == 1);
  CHECK(ward.notices[0].find("80% sure") != std::string::npos);
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  REQUIRE(ward.orders.size() == 2);
  CHECK_FALSE(ward.orders[1].undoes.empty());
}

TEST_CASE("a signal that gets clearly worse fails the step before its time") {
  Container ward(pause_runbook(OnFailure::escalate));
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.seen(0.93);  // a little worse: it may be noise
  ward.pass(6s);
  CHECK(ward.orders.size() == 1);
  ward.seen(0.97);
  ward.pass(2s);
  ward.seen(0.93);  // not without a break
  ward.pass(1s);
  ward.seen(0.97);
  ward.pass(4s);
  CHECK(ward.orders.size() == 1);
  ward.pass(1s);
  REQUIRE(ward.orders.size() == 2);
  CHECK(ward.says(TimelineKind::verified, "it got worse: container.cpu_limited is 0.17 beyond"));
  ward.outcome(OutcomeResult::done);
  CHECK(ward.kept().state == IncidentState::escalated);
}

TEST_CASE("by its usual band, and downwards, a signal is worse as well; and so is a new proof") {
  Container band(pause_runbook(OnFailure::stop));
  Anomaly& signal = band.incident.anomalies[0];
  signal.unit = Unit::seconds, signal.value = 40, signal.normal_low = 10, signal.normal_high = 20;
  band.observe();
  band.outcome(OutcomeResult::done);
  band.seen(49);  // 29 beyond, was 20; from 30 on it is worse
  band.pass(5s);
  CHECK(band.orders.size() == 1);
  band.seen(51);
  band.pass(5s);
  CHECK(band.orders.size() == 2);

  Container low(pause_runbook(OnFailure::stop));
  Anomaly& rate = low.incident.anomalies[0];
  rate.direction = Direction::below, rate.value = 50, rate.expected = 100, rate.unit = Unit::count;
  low.observe();
  low.outcome(OutcomeResult::done);
  low.seen(30);
  low.pass(5s);
  CHECK(low.orders.size() == 1);
  low.seen(20);
  low.pass(5s);
  CHECK(low.orders.size() == 2);

  Container proof(pause_runbook(OnFailure::stop));
  proof.observe();
  proof.outcome(OutcomeResult::done);
  Anomaly killed = proof.incident.anomalies[0];
  killed.rule = "oom", killed.proof = true, killed.evidence = "the kernel killed it";
  proof.incident.anomalies.push_back(killed);
  proof.pass(5s);
  CHECK(proof.orders.size() == 2);
  CHECK(proof.says(TimelineKind::verified, "it got worse: the kernel killed it"));
}

TEST_CASE("an undo that is refused is asked for again; one that fails calls a human") {
  Container ward(pause_runbook(OnFailure::next));
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  REQUIRE(ward.orders.size() == 2);
  ward.outcome(OutcomeResult::refused);
  ward.pass(11s);
  REQUIRE(ward.orders.size() == 3);
  CHECK(ward.orders[2].undoes == ward.orders[0].key);
  CHECK(ward.orders[2].key != ward.orders[1].key);
  ward.outcome(OutcomeResult::failed, "it does not answer");
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.back().find("could not be taken back") != std::string::npos);
  ward.pass(10min, 5s);
  CHECK(ward.orders.size() == 3);
}

TEST_CASE("while it is halted nothing is taken back; after five minutes a human is told what is in force") {
  Container ward(pause_runbook(OnFailure::next));
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.halted = true;
  ward.pass(4min);
  CHECK(ward.orders.size() == 1);
  CHECK(ward.notices.empty());
  ward.pass(2min);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.back().find("still in force") != std::string::npos);
}

TEST_CASE("a measure that ends by itself resolves the incident, and its end is told") {
  Container ward(pause_runbook(OnFailure::next, 15min));
  ward.observe();
  CHECK(ward.orders[0].plan.lasts == 15min);
  ward.outcome(OutcomeResult::done);
  ward.pass(2s);
  ward.quiet();
  ward.pass(2s);
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved).find("stays in force for another 14m") != std::string::npos);
  CHECK(ward.response->in_force(ward.incident.id));
  const int before = ward.persisted;
  ward.pass(15min, 5s);
  CHECK(ward.says(TimelineKind::undone, "the measure ended by itself after 15m0s: pause container app"));
  CHECK(ward.persisted == before + 1);
  CHECK_FALSE(ward.response->in_force(ward.incident.id));
  ward.fire();  // and if that was all that held it, it is treated again
  CHECK(ward.kept().state == IncidentState::acting);
  CHECK(ward.orders.size() == 2);
}

TEST_CASE("a measure that was taken back does not end a second time") {
  Container ward(pause_runbook(OnFailure::stop, 15min));
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  REQUIRE(ward.orders.size() == 2);
  ward.outcome(OutcomeResult::done);
  ward.pass(30min, 5s);
  CHECK(ward.entries(TimelineKind::undone) == 1);
}

TEST_CASE("an undo that was under way when the daemon was restarted goes on to its end") {
  Container ward(pause_runbook(OnFailure::next));
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  REQUIRE(ward.orders.size() == 2);
  const Incident stored = ward.kept();
  ward.response.emplace(ward.runbooks, ward.policy, ward.sources());
  ward.response->restore(stored, {{ward.orders[0], ward.answers[0]}, {ward.orders[1], {}}}, ward.now());
  ward.observe();
  CHECK(ward.says(TimelineKind::note, "restarted while order " + ward.orders[1].key));
  ward.outcome(OutcomeResult::done);
  CHECK(ward.entries(TimelineKind::undone) == 1);
  ward.pass(2min);
  REQUIRE(ward.orders.size() == 3);
  CHECK(ward.orders[2].undoes.empty());
}
