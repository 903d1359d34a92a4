// SPDX-License-Identifier: Apache-2.0
// The guard over what follows an action: taking it back, doubt, runbooks that misfire, pauses and leases.
#include <algorithm>

#include "tests/unit/actions/guard_case.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("an order is taken back once, also when its own end never came, and not tried for ever") {
  Case c = allowed_case();
  c.order.undoes = "past-of-old";
  PastAction first = past(c, 10min);
  first.key = c.order.undoes;
  first.finished = false;
  c.now.history = {first};
  CHECK(judged(c).decision == Decision::allow);

  PastAction undo = past(c, 1min);
  undo.undoes = c.order.undoes;
  c.now.history = {first, undo};
  CHECK(answer_of(judged(c), "in-flight").reason.find("was already taken back") != std::string::npos);
  undo.result = OutcomeResult::failed;
  c.now.history = {first, undo, undo};
  CHECK(judged(c).decision == Decision::allow);
  c.now.history.push_back(undo);
  CHECK(judged(c).decision == Decision::deny);
}

TEST_CASE("an undo uses up no limit") {
  Case c = allowed_case();
  for (int i = 0; i < 30; ++i) {
    c.now.history.push_back(past(c, 5s + i * 1ms));
    c.now.history.back().undoes = "other" + std::to_string(i);
  }
  CHECK(judged(c).decision == Decision::allow);
}

TEST_CASE("in the middle band of confidence only what can be undone is done without a human") {
  for (const ActionInfo* action : all_actions()) {
    Case c = allowed_case();
    c.order.plan.action = action->name;
    CAPTURE(action->name);
    c.order.confidence = 0.75;
    CHECK(answer_of(judged(c), "confidence").decision == (action->reversible ? Decision::allow : Decision::hold));
    c.order.confidence = 0.69;
    CHECK(answer_of(judged(c), "confidence").decision == Decision::hold);
    c.order.confidence = 0.90;
    CHECK(answer_of(judged(c), "confidence").decision == Decision::allow);
  }
}

TEST_CASE("a runbook that misfires is disarmed by share and by number, until a human arms it again") {
  Case c = allowed_case();
  const auto add = [&](Duration ago, OutcomeResult result) {
    c.now.history.push_back(elsewhere(c, ago, c.order.runbook));
    c.now.history.back().result = result;
  };
  const auto armed = [&] { return answer_of(judged(c), "disarmed").decision == Decision::allow; };
  add(10h, OutcomeResult::failed);
  add(9h, OutcomeResult::timed_out);
  CHECK(armed());  // two failures are not three
  for (int i = 0; i < 4; ++i) add(8h + i * 1min, OutcomeResult::done);
  add(7h, OutcomeResult::failed);
  CHECK(armed());  // three of seven are less than half
  const std::string key = c.now.history[2].key;
  c.now.history.push_back(elsewhere(c, 6h, "another"));
  c.now.history.back().undoes = key;
  CHECK_FALSE(armed());  // one that was done was undone since it did not help: four of seven

  c.now.armed = {{"another", kNow - 1h}};
  CHECK_FALSE(armed());
  c.now.armed.push_back({c.order.runbook, kNow - 1h});
  CHECK(armed());
  for (int i = 0; i < 3; ++i) add(30min + i * 1min, OutcomeResult::failed);
  CHECK_FALSE(armed());  // what it did since counts again

  c.now.armed.clear();
  c.policy.disarm_window = 20min;
  CHECK(armed());
  c.now.disarmed = {{c.order.runbook, "root", "for now", kNow - 2h}};
  CHECK_FALSE(armed());
  c.now.armed = {{c.order.runbook, kNow - 1h}};
  CHECK(armed());
}

TEST_CASE("a runbook's own pause is for repeating an action, not for its next step") {
  Case c = allowed_case();
  c.order.cooldown = 6h;
  c.now.history.push_back(past(c, 2h));
  CHECK(answer_of(judged(c), "cooldown").decision == Decision::hold);
  c.order.plan.action = "journal.vacuum";
  CHECK(answer_of(judged(c), "cooldown").decision == Decision::allow);
  c.order.plan.action = "service.restart";
  c.order.runbook = "another";
  CHECK(answer_of(judged(c), "cooldown").decision == Decision::allow);
}

TEST_CASE("only what starts a service again is kept from a crash loop; what ends the loop is not") {
  Case c = allowed_case();
  c.now.restarts_seen = 50;
  CHECK(answer_of(judged(c), "crash-loop").decision == Decision::deny);
  c.order.plan.action = "service.stop";
  CHECK(answer_of(judged(c), "crash-loop").decision == Decision::allow);
}

TEST_CASE("a lease is for what could harm if every host did it at once") {
  Case c = allowed_case();
  c.policy.need_lease = true;
  for (const ActionInfo* action : all_actions()) {
    c.order.plan.action = action->name;
    CAPTURE(action->name);
    c.now.lease = guard::Lease::unasked;
    CHECK(answer_of(judged(c), "lease").decision == (action->local_safe ? Decision::allow : Decision::hold));
    for (const guard::Lease enough : {guard::Lease::granted, guard::Lease::agents_matter}) {
      c.now.lease = enough;
      CHECK(answer_of(judged(c), "lease").decision == Decision::allow);
    }
  }
}

TEST_CASE("evidence that was just kept is no reason to wait with the treatment, nor the other way round") {
  Case c = allowed_case();
  for (int i = 0; i < 3; ++i) {
    c.now.history.push_back(past(c, 1s + i * 1ms));
    c.now.history.back().action = "evidence.collect";
  }
  CHECK(judged(c).decision == Decision::allow);
  c.order.plan.action = "evidence.collect";
  CHECK(answer_of(judged(c), "cooldown").decision == Decision::hold);
  CHECK(answer_of(judged(c), "rate-limit-target").decision == Decision::deny);
  for (PastAction& one : c.now.history) one.action = "service.restart";
  CHECK(answer_of(judged(c), "cooldown").decision == Decision::allow);
}
