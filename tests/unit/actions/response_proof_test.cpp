// SPDX-License-Identifier: Apache-2.0
// What follows an order: proof, the next step, limits, escalation.
#include <doctest/doctest.h>

#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;
using guard::TargetState;

TEST_CASE("a step without proof escalates, names the plan, and is not repeated") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(14s);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.says(TimelineKind::verified, "did not help: no proof in 15.0s"));
  ward.pass(2h, 10s);
  CHECK(ward.orders.size() == 1);
  CHECK(ward.notices.size() == 1);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
}

TEST_CASE("a unit that comes and goes while it settles is not proved") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::done);
  for (int i = 0; i < 20; ++i) {
    ward.host.unit(i % 2 == 0 ? "active" : "failed");
    ward.pass(900ms, 900ms);
  }
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK_FALSE(ward.says(TimelineKind::resolved, ""));
}

TEST_CASE("an effect that fails escalates with its words") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::failed, "Job failed");
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices[0].find("Job failed") != std::string::npos);
}

TEST_CASE("a filesystem: steps that do not apply are passed over, and the fall of its use is the proof") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->observe();
  CHECK(ward->orders.empty());  // who fills it is not known yet
  CHECK(ward->says(TimelineKind::note, "no step of runbook filesystem-logs applies"));
  ward->pass(2s);
  ward->host.growth("/var/log/app.log", "20971520", "0.95", {{"writer.unit", "app.service"}});
  ward->pass(1s);
  REQUIRE(ward->orders.size() == 1);
  CHECK(ward->orders[0].plan.action == "log.rotate");
  CHECK(ward->orders[0].step == 1);
  ward->host.utilization(0.92);
  ward->outcome(OutcomeResult::done);
  ward->pass(3s);
  CHECK(ward->kept().state == IncidentState::verifying);  // below no limit counts: it has to fall
  ward->host.utilization(0.30);
  ward->pass(1s);
  ward->host.utilization(0.34);
  ward->quiet(false);
  ward->pass(2s);
  CHECK(ward->kept().state == IncidentState::resolved);
  CHECK(ward->last(TimelineKind::resolved).find("fell from 0.900 to 0.340") != std::string::npos);
}

TEST_CASE("a reading that is missing proves nothing") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->host.growth("/var/log/app.log", "20971520", "0.95");
  ward->observe();
  ward->outcome(OutcomeResult::done);
  ward->host.utilization(std::nullopt);
  ward->pass(14s);
  CHECK(ward->kept().state == IncidentState::verifying);
  ward->pass(1s);
  CHECK(ward->says(TimelineKind::verified, "did not help"));
}

TEST_CASE("after a failed step comes the next one, and never the same again") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->host.growth("/var/log/journal/x/system.journal", "20971520", "0.95");
  ward->observe();
  REQUIRE(ward->orders.size() == 1);
  CHECK(ward->orders[0].plan.action == "journal.vacuum");
  ward->outcome(OutcomeResult::failed, "no archived journal");
  CHECK(ward->orders.size() == 1);
  for (int i = 0; i < 40; ++i) {
    ward->host.growth("/var/log/app.log", "20971520", "0.95");
    ward->pass(1s);
  }
  REQUIRE(ward->orders.size() == 2);  // after the cool-down
  CHECK(ward->orders[1].plan.action == "log.rotate");
  ward->outcome(OutcomeResult::failed, "disk error");
  for (int i = 0; i < 120; ++i) {
    ward->host.growth("/var/log/app.log", "20971520", "0.95");
    ward->pass(1s);
  }
  CHECK(ward->orders.size() == 2);
  CHECK(ward->kept().state == IncidentState::escalated);
  CHECK(ward->notices.size() == 1);
}

TEST_CASE("the remaining steps are cancelled when the target recovers midway") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->host.growth("/var/log/journal/x/system.journal", "20971520", "0.95");
  ward->observe();
  ward->outcome(OutcomeResult::failed, "no archived journal");
  ward->quiet();
  ward->host.growth("/var/log/app.log", "20971520", "0.95");
  ward->pass(2min);
  CHECK(ward->orders.size() == 1);
  CHECK(ward->kept().state == IncidentState::resolved);
}

TEST_CASE("a writer that goes on is treated again within the limits, then escalated by name and rate") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  double use = 0.90;
  std::size_t answered = 0;
  for (int i = 0; i < 1200; ++i) {
    ward->host.growth("/var/log/app.log", "20971520", "0.95", {{"writer.unit", "app.service"}});
    use = std::min(use + 0.01, 0.95);
    ward->host.utilization(use);
    ward->observe();
    ward->pass(1s);
    if (ward->orders.size() > answered) {
      ++answered;
      use = 0.2;
      ward->host.utilization(use);
      ward->outcome(OutcomeResult::done);
    }
  }
  CHECK(ward->orders.size() == 3);
  CHECK(ward->kept().state == IncidentState::escalated);
  REQUIRE(ward->notices.size() == 1);
  CAPTURE(ward->notices[0]);
  CHECK(ward->notices[0].find("rate-limit-target") != std::string::npos);
  CHECK(ward->notices[0].find("app.service") != std::string::npos);
  CHECK(ward->notices[0].find("20.0MiB/s") != std::string::npos);
  CHECK(ward->kept().timeline.size() < 60);
}

TEST_CASE("an interrupted order is not repeated blindly: proof first, then judged anew under the guard") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::interrupted);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.host.unit("active");
  ward.quiet(false);
  ward.pass(2s);
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.orders.size() == 1);

  Ward faulty;
  faulty.observe();
  faulty.outcome(OutcomeResult::timed_out);
  faulty.pass(16s);
  CHECK(faulty.kept().state == IncidentState::open);
  CHECK(faulty.orders.size() == 1);  // cool-down
  faulty.pass(20s);
  REQUIRE(faulty.orders.size() == 2);
  CHECK(faulty.orders[0].key != faulty.orders[1].key);
  faulty.outcome(OutcomeResult::interrupted);
  faulty.pass(1h, 10s);
  CHECK(faulty.orders.size() == 2);
  CHECK(faulty.kept().state == IncidentState::escalated);
  CHECK(faulty.lessons.empty());  // nobody knows that it was carried out
}

TEST_CASE("an order without an answer ends as interrupted") {
  Ward ward;
  ward.observe();
  ward.pass(119s);
  CHECK(ward.kept().state == IncidentState::acting);
  ward.pass(1s);
  CHECK(ward.says(TimelineKind::acted, "interrupted: the actuator gave no answer"));
  ward.host.advance(1s);
  const auto before = ward.kept().state;
  ward.outcome(OutcomeResult::done, "too late");
  CHECK(ward.kept().state == before);
  CHECK(ward.says(TimelineKind::note, "a late answer: too late"));
}

TEST_CASE("an expired order is judged again, but not for ever") {
  Ward ward;
  ward.observe();
  for (int i = 0; i < 5 && ward.kept().state == IncidentState::acting; ++i) {
    ward.outcome(OutcomeResult::expired);
    ward.pass(1s);
  }
  CHECK(ward.orders.size() == 3);
  CHECK(ward.kept().state == IncidentState::escalated);
}

TEST_CASE("unnecessary: the target had recovered before anything was done") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::unnecessary, "nginx.service is active");
  ward.pass(2s);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved) == "recovered by itself");
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("a refusal by the actuator is told with its rules; it is asked again ever more rarely, then escalated") {
  Ward ward;
  ward.observe();
  for (int i = 0; i < 1200; ++i) {
    if (ward.kept().state == IncidentState::acting) {
      Outcome outcome = ward.answer(OutcomeResult::refused);
      outcome.verdict.decision = Decision::deny;
      outcome.verdict.answers = {{"maintenance", Decision::deny, "until noon"}};
      ward.take(ward.response->outcome(outcome, ward.host.view(), ward.now()));
    }
    ward.pass(1s);
  }
  CHECK(ward.says(TimelineKind::verdict, "actuator: denied by maintenance: until noon"));
  CHECK(ward.orders.size() == 5);
  CHECK(ward.orders[4].issued_at - ward.orders[0].issued_at >= 150s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);

  Ward limited;
  limited.observe();
  Outcome outcome = limited.answer(OutcomeResult::refused);
  outcome.verdict.decision = Decision::deny;
  outcome.verdict.answers = {{"rate-limit-target", Decision::deny, "3 of 3"}};
  limited.take(limited.response->outcome(outcome, limited.host.view(), limited.now()));
  CHECK(limited.kept().state == IncidentState::escalated);
}

TEST_CASE("a flapping service is restarted within the limits and then escalated, in one incident") {
  Ward ward;
  ward.observe();
  std::size_t answered = 0;
  for (int i = 0; i < 1800; ++i) {
    if (ward.orders.size() > answered) {
      ++answered;
      ward.host.unit("active");
      ward.outcome(OutcomeResult::done);
      ward.quiet(false);
      ward.pass(2s);
      CHECK(ward.kept().state == IncidentState::resolved);
      ward.host.unit("failed");
      ward.fire();
      CHECK_FALSE(ward.kept().closed_at);
    }
    ward.pass(1s);
  }
  CHECK(ward.orders.size() == 3);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);
  CHECK(ward.response->incidents().size() == 1);
}
