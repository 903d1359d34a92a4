// SPDX-License-Identifier: Apache-2.0
// Failures of other healers that end at the actuator (see actions/stories_test.cpp for the list), and what it writes
// down of runbooks that misfire.
#include "tests/unit/actuator/rig.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

TEST_CASE("story 8: what systemd starts, stops, reloads or is about to restart is left alone") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  char name = '0';
  for (const auto& [active, sub] : {std::pair{"activating", "auto-restart"},
                                    {"activating", "start"},
                                    {"activating", "start-pre"},
                                    {"deactivating", "stop-sigterm"},
                                    {"reloading", "reload"}}) {
    CAPTURE(sub);
    bench.manager.now.active_state = active;
    bench.manager.now.sub_state = sub;
    const Outcome outcome = actuator.carry_out(restart_order(name++));
    CHECK(outcome.result == OutcomeResult::refused);
    CHECK_MESSAGE(outcome.text.find("already at work on it") != std::string::npos, outcome.text);
  }
  CHECK(bench.manager.restarts == 0);
}

TEST_CASE("story 9: an order that waited too long, or was open when everything died, is not carried out") {
  Rig rig;
  const Order late = rig.order("a.service");
  rig.pass(31s);
  CHECK(rig.actuator->carry_out(late).result == OutcomeResult::expired);
  CHECK(rig.how().executed == 0);

  const Order open = rig.order("b.service");
  rig.stopping = true;  // it dies with the effect under way
  (void)rig.actuator->carry_out(open);
  CHECK(rig.how().executed == 1);
  rig.open();
  rig.pass(3s);
  CHECK(rig.actuator->carry_out(open).result == OutcomeResult::interrupted);
  rig.reboot();
  CHECK(rig.actuator->carry_out(open).result == OutcomeResult::interrupted);
  CHECK(rig.how().executed == 1);
}

TEST_CASE("story 10: a boot is known by its id, neither assumed nor overlooked") {
  Rig rig;
  Order measure = rig.order("a.service");
  measure.plan.lasts = 10min;
  REQUIRE(rig.actuator->carry_out(measure).result == OutcomeResult::done);
  rig.pass(11min);
  rig.uptime = 6min;  // looks like a young host; it is the same boot
  SUBCASE("not booted: the measure is still in force, and is ended") {
    rig.open();
    CHECK(rig.how().undone == 1);
  }
  SUBCASE("booted: nothing is left to end") {
    rig.reboot();
    CHECK(rig.how().undone == 0);
  }
}

TEST_CASE("who approved an order is what the ledger knows, not what the order claims") {
  Rig rig;
  Order order = rig.order("a.service");
  order.approved_by = "uid 0 (root)";
  REQUIRE(rig.actuator->carry_out(order).result == OutcomeResult::done);
  CHECK(rig.how().approved_by.empty());
  order = rig.order("b.service");
  ActuatorRequest approve = request_of(RequestKind::approve);
  approve.key = order.key;
  approve.plan = order.plan;
  REQUIRE(rig.actuator->answer(approve, kApprover, "").ok);
  REQUIRE(rig.actuator->carry_out(order).result == OutcomeResult::done);
  CHECK(rig.how().approved_by == "uid 1000 (ada)");
}

TEST_CASE("a runbook that misfires is disarmed in the ledger, over restarts and after its failures are forgotten") {
  Rig rig;
  rig.policy.disarm_window = 1h;
  rig.how().result = OutcomeResult::failed;
  for (int i = 0; i < 3; ++i) {
    rig.pass(1min);
    CHECK(rig.actuator->carry_out(rig.order("s" + std::to_string(i) + ".service")).result == OutcomeResult::failed);
  }
  rig.how().result = OutcomeResult::done;
  rig.pass(48h);
  rig.reboot();
  const Outcome held = rig.actuator->carry_out(rig.order("t.service"));
  CHECK(held.result == OutcomeResult::refused);
  CHECK_MESSAGE(held.text.find("service-restart was disarmed by the guard") != std::string::npos, held.text);
  CHECK(rig.actuator->carry_out(rig.order("t.service", "another")).result == OutcomeResult::done);

  ActuatorRequest rearm = request_of(RequestKind::rearm);
  rearm.runbook = "service-restart";
  CHECK(rig.actuator->answer(rearm, kRoot, "").ok);
  rig.pass(1min);
  CHECK(rig.actuator->carry_out(rig.order("u.service")).result == OutcomeResult::done);
}

TEST_CASE("a measure that ended when its time was over was no misfire; one that was taken back before was") {
  Rig rig;
  rig.policy.per_runbook = rig.policy.per_host = {100, 1h};
  std::vector<Order> measures;
  for (int i = 0; i < 4; ++i) {
    measures.push_back(rig.order("s" + std::to_string(i) + ".service"));
    measures.back().plan.lasts = 10min;
    REQUIRE(rig.actuator->carry_out(measures.back()).result == OutcomeResult::done);
  }
  SUBCASE("its time was over") {
    rig.pass(11min);
    rig.open();
    CHECK(rig.how().undone == 4);
    CHECK(rig.actuator->carry_out(rig.order("t.service")).result == OutcomeResult::done);
  }
  SUBCASE("it did not help") {
    for (const Order& measure : measures) {
      Order undo = measure;
      undo.key = rig.order("x").key;
      undo.undoes = measure.key;
      REQUIRE(rig.actuator->carry_out(undo).result == OutcomeResult::done);
    }
    const Outcome held = rig.actuator->carry_out(rig.order("t.service"));
    CHECK_MESSAGE(held.text.find("disarmed by the guard") != std::string::npos, held.text);
  }
}
