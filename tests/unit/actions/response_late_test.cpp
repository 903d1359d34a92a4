// SPDX-License-Identifier: Apache-2.0
// What comes late, or changes under a course's hands: an undo that nobody answers, another kind, another cause.
#include <doctest/doctest.h>

#include "agent/base/text.h"
#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

const Entity kApp{EntityKind::container, "app"};

Runbook pause_runbook(const char* lasts) {
  Runbook runbook;
  runbook.name = "pause";
  runbook.kinds = {"container.cpu_limited"};
  runbook.steps = {step("container.pause", Check::Subject::incident_quiet, OnFailure::escalate)};
  runbook.steps[0].params = {{"for", lasts}};
  return runbook;
}

struct Paused : Ward {
  explicit Paused(const char* lasts) : Ward(Tier::automatic, pause_runbook(lasts)) {
    incident = incident_on(kApp, "container.cpu_limited", host);
  }
};

// A filesystem whose fall below a limit, or rise above one, is the proof.
struct Limited : Ward {
  Limited(Check::Subject subject, double bound) : Ward(Tier::automatic, logs_runbook()) {
    Step reload = step("service.reload", subject, OnFailure::escalate);
    reload.verify.series = "system.filesystem.utilization";
    reload.verify.bound = bound;
    runbooks[0].steps = {reload};
    response.emplace(runbooks, policy, sources());
    host.utilization(0.90);
    incident = incident_on(kVar, "filesystem.filling", host);
    incident.causes = {kNginx};
  }
};

}  // namespace

TEST_CASE("an undo that nobody answers in time is not known to be done, and a late answer changes nothing") {
  Paused ward("0s");
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(15s);
  REQUIRE(ward.orders.size() == 2);
  REQUIRE_FALSE(ward.orders[1].undoes.empty());
  ward.pass(10min);
  CHECK(ward.says(TimelineKind::acted, "the actuator gave no answer in time"));
  CHECK(ward.kept().state == IncidentState::escalated);
  const std::size_t orders = ward.orders.size();
  Outcome late;
  late.key = ward.orders[1].key;
  late.result = OutcomeResult::done;
  late.text = "it goes on";
  ward.take(ward.response->outcome(late, ward.host.view(), ward.now()));
  CHECK(ward.says(TimelineKind::note, "a late answer: it goes on"));
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.orders.size() == orders);
}

TEST_CASE("after a restart a measure in force still ends by itself, at its own time") {
  Paused ward("15m");
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(2s);
  ward.quiet();
  ward.pass(2s);
  const Incident stored = ward.kept();
  ward.host.advance(5min);
  ward.response.emplace(ward.runbooks, ward.policy, ward.sources());
  ward.response->restore(stored, {{ward.orders[0], ward.answers[0]}}, ward.now());
  CHECK(ward.response->in_force(ward.incident.id));
  ward.pass(9min, 5s);
  CHECK(ward.entries(TimelineKind::undone) == 0);
  ward.pass(2min, 5s);
  CHECK(ward.says(TimelineKind::undone, "the measure ended by itself"));
}

TEST_CASE("a measure whose signals have neither a limit nor a band is not judged to make them worse") {
  Paused ward("0s");
  ward.incident.anomalies[0].value = 1;
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.incident.anomalies[0].value = 1000;
  ward.pass(10s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("an incident that turns out to be of another kind is begun anew, by what treats that") {
  Ward ward(Tier::approve);
  ward.observe();
  REQUIRE(ward.response->proposals().size() == 1);
  ward.incident.kind = "service.slow";
  ward.observe();
  ward.pass(2s);
  CHECK(ward.response->proposals().empty());
  ward.incident.kind = "service.failed";
  ward.observe();
  ward.pass(2s);
  CHECK(ward.response->proposals().size() == 1);
}

TEST_CASE("what turns out to be part of another incident is left to that one") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.incident.part_of = "fedcba9876543210";
  ward.observe();
  ward.pass(2s);
  CHECK(ward.response->proposals().empty());
  CHECK(ward.says(TimelineKind::resolved, "it is part of incident fedcba9876543210"));
  CHECK(ward.orders.empty());
}

TEST_CASE("a series below or above its bound is the proof, once it holds") {
  const struct {
    Check::Subject subject;
    double bound, not_yet, proved;
  } cases[] = {{Check::Subject::series_below, 0.8, 0.85, 0.70}, {Check::Subject::series_above, 0.95, 0.93, 0.97}};
  for (const auto& one : cases) {
    Limited ward(one.subject, one.bound);
    ward.observe();
    REQUIRE(ward.orders.size() == 1);
    ward.outcome(OutcomeResult::done);
    ward.host.utilization(one.not_yet);
    ward.pass(4s);
    CHECK(ward.entries(TimelineKind::verified) == 0);
    ward.host.utilization(std::nullopt);
    ward.pass(1s);
    CHECK(ward.entries(TimelineKind::verified) == 0);
    ward.host.utilization(one.proved);
    ward.pass(5s);
    CHECK(ward.says(TimelineKind::verified, strf("system.filesystem.utilization is %.3f", one.proved)));
  }
}
