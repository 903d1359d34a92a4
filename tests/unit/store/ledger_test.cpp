// SPDX-License-Identifier: Apache-2.0
#include "agent/store/ledger.h"

#include <doctest/doctest.h>

#include "tests/unit/record/random_records.h"
#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
const WallTime kNow = wall_from_ns(1'764'000'000'000'000'000);
WallTime at(int seconds) { return kNow + std::chrono::seconds(seconds); }

Order order_of(const std::string& key, const std::string& unit = "nginx.service") {
  Order order;
  order.key = key;
  order.runbook = "service";
  order.plan.action = "service.restart";
  order.plan.target = {EntityKind::service, unit};
  return order;
}
Outcome outcome_of(const std::string& key, OutcomeResult result = OutcomeResult::done) {
  Outcome outcome;
  outcome.key = key;
  outcome.result = result;
  return outcome;
}
Ledger open(const std::string& path = ":memory:") {
  auto ledger = Ledger::open(path);
  REQUIRE(ledger);
  return std::move(*ledger);
}
}  // namespace

TEST_CASE("a key is begun once, whatever came of it, and over restarts") {
  TempDir dir;
  {
    Ledger ledger = open(dir / "ledger.db");
    CHECK(ledger.begin(order_of("k1"), {}, at(0)));
    CHECK(ledger.begin(order_of("k1"), {}, at(1)).error().code == ErrorCode::conflict);
  }
  Ledger ledger = open(dir / "ledger.db");
  CHECK(ledger.begin(order_of("k1"), {}, at(2)).error().code == ErrorCode::conflict);
  CHECK(ledger.finish(outcome_of("k1")));
  CHECK(ledger.begin(order_of("k1"), {}, at(3)).error().code == ErrorCode::conflict);
  CHECK(ledger.begin(order_of(""), {}, at(3)).error().code == ErrorCode::malformed);
}

TEST_CASE("the first outcome stands") {
  Ledger ledger = open();
  CHECK(ledger.finish(outcome_of("k1")).error().code == ErrorCode::not_found);
  REQUIRE(ledger.begin(order_of("k1"), {}, at(0)));
  CHECK(ledger.open_rows()->size() == 1);
  REQUIRE(ledger.finish(outcome_of("k1", OutcomeResult::failed)));
  CHECK(ledger.finish(outcome_of("k1", OutcomeResult::done)).error().code == ErrorCode::conflict);
  const auto row = ledger.find("k1");
  REQUIRE(row);
  REQUIRE(*row);
  CHECK((*row)->outcome->result == OutcomeResult::failed);
  CHECK((*row)->begun_at == at(0));
  CHECK(ledger.open_rows()->empty());
  CHECK_FALSE(*ledger.find("k2"));
}

TEST_CASE("order and verdict come back as they were") {
  RandomRecords random(4);
  Ledger ledger = open();
  for (int i = 0; i < 50; ++i) {
    const Order order = random.order();
    const Verdict verdict = random.verdict();
    REQUIRE(ledger.begin(order, verdict, at(i)));
    const auto row = ledger.find(order.key);
    REQUIRE(row);
    REQUIRE(*row);
    CHECK((*row)->order.plan.parameters == order.plan.parameters);
    CHECK((*row)->verdict.answers.size() == verdict.answers.size());
    CHECK((*row)->verdict.decision == verdict.decision);
  }
}

TEST_CASE("history is what the guard asks for") {
  Ledger ledger = open();
  REQUIRE(ledger.begin(order_of("old"), {}, at(-100)));
  REQUIRE(ledger.begin(order_of("a"), {}, at(0)));
  REQUIRE(ledger.begin(order_of("b", "redis.service"), {}, at(10)));
  REQUIRE(ledger.finish(outcome_of("a", OutcomeResult::timed_out)));
  const auto past = ledger.history(at(0));
  REQUIRE(past);
  REQUIRE(past->size() == 2);
  CHECK((*past)[0].key == "a");
  CHECK((*past)[0].finished);
  CHECK((*past)[0].result == OutcomeResult::timed_out);
  CHECK((*past)[0].action == "service.restart");
  CHECK((*past)[1].target == Entity{EntityKind::service, "redis.service"});
  CHECK_FALSE((*past)[1].finished);
}

TEST_CASE("what a human undid stays undone, also when the action is older than the window") {
  Ledger ledger = open();
  const Entity nginx{EntityKind::service, "nginx.service"};
  REQUIRE(ledger.begin(order_of("a"), {}, at(0)));
  REQUIRE(ledger.mark_undone({nginx, "service.restart", "uid 0 (root)", at(5)}));
  auto past = ledger.history(at(-10));
  REQUIRE(past);
  REQUIRE(past->size() == 1);
  CHECK((*past)[0].by_hand_undone);
  past = ledger.history(at(1000));
  REQUIRE(past);
  REQUIRE(past->size() == 1);
  CHECK((*past)[0].by_hand_undone);
  CHECK((*past)[0].target == nginx);
  CHECK(ledger.undone()->size() == 1);
  REQUIRE(ledger.clear_undone(nginx, "service.restart", "root", at(6)));
  CHECK(ledger.history(at(1000))->empty());
}

TEST_CASE("brakes outlive a restart") {
  TempDir dir;
  {
    Ledger ledger = open(dir / "ledger.db");
    CHECK_FALSE(ledger.brakes()->halted);
    REQUIRE(ledger.halt("uid 0 (root)", "night\nshift", at(0)));
    REQUIRE(ledger.add_maintenance({at(60), "uid 0 (root)", "upgrade", "service:nginx*"}, at(0)));
    REQUIRE(ledger.add_maintenance({at(90), "uid 0 (root)", "longer", "service:nginx*"}, at(0)));
  }
  Ledger ledger = open(dir / "ledger.db");
  auto brakes = ledger.brakes();
  REQUIRE(brakes);
  CHECK(brakes->halted);
  CHECK(brakes->halt_reason == "night?shift");
  CHECK(brakes->halted_at == at(0));
  REQUIRE(brakes->maintenance.size() == 1);
  CHECK(brakes->maintenance[0].until == at(90));
  REQUIRE(ledger.resume("root", at(1)));
  REQUIRE(ledger.end_maintenance("", "root", at(1)));
  brakes = ledger.brakes();
  CHECK_FALSE(brakes->halted);
  CHECK(brakes->maintenance.empty());
}

TEST_CASE("maintenance windows are bounded") {
  Ledger ledger = open();
  for (std::size_t i = 0; i < Ledger::kMostMaintenance; ++i)
    REQUIRE(ledger.add_maintenance({at(60), "u", "r", "service:" + std::to_string(i)}, at(0)));
  CHECK(ledger.add_maintenance({at(60), "u", "r", "service:one-more"}, at(0)).error().code == ErrorCode::limit);
  CHECK(ledger.add_maintenance({at(60), "u", "r", "service:0"}, at(0)));
  CHECK_FALSE(ledger.add_maintenance({at(60), "u", "r", ""}, at(0)));
}

TEST_CASE("an approval ends") {
  Ledger ledger = open();
  REQUIRE(ledger.approve({"k", "uid 0 (root)", at(0), at(60)}));
  const auto now = ledger.approval("k", at(59));
  REQUIRE(now);
  REQUIRE(*now);
  CHECK((*now)->by == "uid 0 (root)");
  CHECK_FALSE(*ledger.approval("k", at(60)));
  CHECK_FALSE(*ledger.approval("other", at(0)));
}

TEST_CASE("pruning keeps the newest and what has no outcome") {
  Ledger ledger = open();
  for (int i = 0; i < 20; ++i) {
    const std::string key = "k" + std::to_string(i);
    REQUIRE(ledger.begin(order_of(key), {}, at(i)));
    if (i != 3) REQUIRE(ledger.finish(outcome_of(key)));
  }
  REQUIRE(ledger.prune(at(20), 5, std::chrono::hours(1)));
  CHECK(ledger.history(at(-1000))->size() == 6);
  CHECK(*ledger.find("k3"));
  CHECK(*ledger.find("k19"));
  CHECK_FALSE(*ledger.find("k14"));
  REQUIRE(ledger.prune(at(7200), 1000, std::chrono::hours(1)));
  CHECK(ledger.history(at(-1000))->size() == 1);
}

TEST_CASE("a broken ledger is moved aside and the new one starts halted") {
  TempDir dir;
  spit(dir / "ledger.db", "no database");
  {
    Ledger ledger = open(dir / "ledger.db");
    CHECK(ledger.quarantined().find("moved to") != std::string::npos);
    CHECK(ledger.brakes()->halted);
  }
  Ledger ledger = open(dir / "ledger.db");
  CHECK(ledger.quarantined().empty());
  CHECK(ledger.brakes()->halted);
}

TEST_CASE("a death between a broken ledger and the halt after it leaves no new ledger in its place") {
  TempDir dir;
  spit(dir / "ledger.db.corrupt-20261122T000000000Z", "what was moved aside");
  Ledger ledger = open(dir / "ledger.db");
  CHECK(ledger.brakes()->halted);
  REQUIRE(ledger.resume("root", at(1)));
  Ledger again = open(dir / "ledger.db");
  CHECK_FALSE(again.brakes()->halted);
}

TEST_CASE("kill -9 between begin and finish: the row is there and cannot begin again") {
  for (std::size_t acks : {1u, 7u, 40u}) {
    TempDir dir;
    const std::string path = dir / "ledger.db";
    const std::string got = run_and_kill(acks, [&](int out) {
      auto ledger = Ledger::open(path);
      for (int i = 0; ledger && i < 10'000; ++i) {
        const std::string key = "k" + std::to_string(i);
        if (!ledger->begin(order_of(key), {}, at(i)) || ::write(out, "b", 1) != 1) return;
        if (!ledger->finish(outcome_of(key)) || ::write(out, "f", 1) != 1) return;
      }
    });
    Ledger ledger = open(path);
    CHECK(ledger.quarantined().empty());
    CHECK(ledger.open_rows()->size() <= 1);
    for (std::size_t i = 0; i < got.size() / 2; ++i) {
      const auto row = ledger.find("k" + std::to_string(i));
      REQUIRE(row);
      REQUIRE(*row);
      CHECK((*row)->outcome);
      CHECK(ledger.begin(order_of("k" + std::to_string(i)), {}, at(0)).error().code == ErrorCode::conflict);
    }
  }
}
