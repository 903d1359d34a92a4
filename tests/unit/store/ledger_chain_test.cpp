// SPDX-License-Identifier: Apache-2.0
#include "agent/store/ledger_chain.h"

#include <doctest/doctest.h>

#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const WallTime kNow = wall_from_ns(1'764'000'000'000'000'000);
WallTime at(int seconds) { return kNow + std::chrono::seconds(seconds); }

Order order_of(const std::string& key) {
  Order order;
  order.key = key;
  order.runbook = "service";
  order.plan.action = "service.restart";
  order.plan.target = {EntityKind::service, "nginx.service"};
  return order;
}

Outcome outcome_of(const std::string& key, int seconds) {
  Outcome outcome;
  outcome.key = key;
  outcome.result = OutcomeResult::done;
  outcome.ended_at = at(seconds);
  return outcome;
}

Ledger open(const std::string& path) {
  auto ledger = Ledger::open(path);
  REQUIRE(ledger);
  return std::move(*ledger);
}

// Three orders, the last of which has no end, and a word of each kind.
void fill(const std::string& path) {
  Ledger ledger = open(path);
  REQUIRE(ledger.begin(order_of("a"), {}, at(0)));
  REQUIRE(ledger.finish(outcome_of("a", 1)));
  REQUIRE(ledger.halt("ada", "storm", at(2)));
  REQUIRE(ledger.resume("root", at(3)));
  REQUIRE(ledger.begin(order_of("b"), {}, at(4)));
  REQUIRE(ledger.finish(outcome_of("b", 5), at(600)));
  REQUIRE(ledger.approve({"c", "ada", at(5), at(900)}));
  REQUIRE(ledger.mark_undone({order_of("a").plan.target, "service.restart", "ada", at(6)}));
  REQUIRE(ledger.disarm({"service", "the guard", "3 of 4 failed", at(7)}));
  REQUIRE(ledger.rearm("service", "root", at(8)));
  REQUIRE(ledger.begin(order_of("c"), {}, at(9)));
}

void tamper(const std::string& path, const std::string& sql) {
  auto database = Database::open(path, kLedgerSchema, Sync::normal);
  REQUIRE(database);
  const Status done = database->run(sql);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message()));
  CHECK(database->changes() > 0);
}

}  // namespace

TEST_CASE("every row has its link") {
  TempDir dir;
  fill(dir / "ledger.db");
  const auto audit = audit_ledger(dir / "ledger.db");
  REQUIRE(audit);
  CHECK_MESSAGE(audit->broken.empty(), audit->broken);
  CHECK(audit->orders == 3);
  CHECK(audit->open == 1);
  CHECK(audit->links == 11);
  CHECK(audit->first == 1);
  CHECK(audit->head.size() == 64);
  CHECK(audit->at == at(9));
  Ledger ledger = open(dir / "ledger.db");
  CHECK(ledger.audit()->head == audit->head);
  REQUIRE(ledger.finish(outcome_of("c", 10)));
  CHECK(ledger.audit()->head != audit->head);
  CHECK(ledger.audit()->broken.empty());
}

TEST_CASE("whatever is changed, added or removed is named") {
  struct Case {
    const char* sql;
    const char* word;
  };
  const Case cases[] = {
      {"UPDATE entry SET begun_at = begun_at - 1 WHERE key = 'b'", "link 5 (order b): its entry was changed"},
      {"UPDATE entry SET target = 'service:other.service' WHERE key = 'a'", "link 1 (order a): its entry was changed"},
      {"UPDATE entry SET order_record = replace(order_record, 'nginx', 'redis') WHERE key = 'a'", "link 1 (order a)"},
      {"UPDATE entry SET verdict_record = '{}' WHERE key = 'c'", "link 11 (order c)"},
      {"UPDATE entry SET result = 'unnecessary' WHERE key = 'a'", "link 2 (outcome a): its entry was changed"},
      {"UPDATE entry SET ends_at = NULL WHERE key = 'b'", "link 6 (outcome b): its entry was changed"},
      {"UPDATE entry SET result = NULL, outcome_record = NULL WHERE key = 'a'", "link 2 (outcome a)"},
      {"UPDATE entry SET result = 'done', outcome_record = '{}' WHERE key = 'c'", "the outcome of order c has no link"},
      {"DELETE FROM entry WHERE key = 'a'", "link 1 (order a): its entry was removed"},
      {"INSERT INTO entry (key, target, runbook, action, begun_at, order_record, verdict_record) SELECT 'd', target, "
       "runbook, action, begun_at, order_record, verdict_record FROM entry WHERE key = 'a'",
       "order d has no link"},
      {"UPDATE chain SET record = 'calm' WHERE seq = 3", "link 3 (halt ada) was changed"},
      {"UPDATE chain SET at = at + 1 WHERE seq = 4", "link 4 (resume root) was changed"},
      {"UPDATE chain SET hash = 'x' WHERE seq = 11", "link 11 (order c) was changed"},
      {"DELETE FROM chain WHERE seq = 7", "link 7 is missing: link 8 (undone service:nginx.service) comes next"},
      {"DELETE FROM chain WHERE seq = 1", "link 1 is missing"},
      {"DELETE FROM chain WHERE seq = 11", "order c has no link"},
      {"UPDATE anchor SET hash = 'other'", "link 1 (order a) was changed, or does not follow"},
      {"DELETE FROM anchor", "the chain has no anchor"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.sql);
    TempDir dir;
    fill(dir / "ledger.db");
    tamper(dir / "ledger.db", one.sql);
    const auto audit = audit_ledger(dir / "ledger.db");
    REQUIRE(audit);
    CHECK_MESSAGE(audit->broken.find(one.word) != std::string::npos, audit->broken);
    Ledger ledger = open(dir / "ledger.db");  // it starts, and says it as well
    CHECK(ledger.audit()->broken == audit->broken);
  }
}

TEST_CASE("pruning cuts the chain and it goes on") {
  TempDir dir;
  Ledger ledger = open(dir / "ledger.db");
  for (int i = 0; i < 40; ++i) {
    const std::string key = "k" + std::to_string(i);
    REQUIRE(ledger.begin(order_of(key), {}, at(i)));
    if (i != 12) REQUIRE(ledger.finish(outcome_of(key, i), i == 7 ? std::optional(at(1000)) : std::nullopt));
  }
  REQUIRE(ledger.prune(at(40), 10, std::chrono::hours(1)));
  CHECK(*ledger.find("k7"));  // a measure in force
  CHECK(*ledger.find("k12"));
  CHECK(*ledger.find("k30"));
  CHECK_FALSE(*ledger.find("k29"));
  auto audit = ledger.audit();
  REQUIRE(audit);
  CHECK_MESSAGE(audit->broken.empty(), audit->broken);
  CHECK(audit->first == 15);  // the order of k7
  CHECK(audit->orders == 12);
  REQUIRE(ledger.finish(outcome_of("k12", 50)));
  Order undo = order_of("u");
  undo.undoes = "k7";
  REQUIRE(ledger.begin(undo, {}, at(51)));
  REQUIRE(ledger.finish(outcome_of("u", 52)));
  REQUIRE(ledger.prune(at(53), 1, std::chrono::hours(1)));
  audit = ledger.audit();
  REQUIRE(audit);
  CHECK_MESSAGE(audit->broken.empty(), audit->broken);
  CHECK(audit->orders == 1);
  CHECK(audit->first == 82);
  CHECK(audit_ledger(dir / "ledger.db")->head == audit->head);
  tamper(dir / "ledger.db", "DELETE FROM entry WHERE key = 'u'");
  CHECK(ledger.audit()->broken.find("(order u): its entry was removed") != std::string::npos);
}

TEST_CASE("a ledger of before the chain is taken over, once") {
  TempDir dir;
  fill(dir / "ledger.db");
  tamper(dir / "ledger.db", "DELETE FROM chain");
  tamper(dir / "ledger.db", "DELETE FROM anchor");
  Ledger ledger = open(dir / "ledger.db");
  const auto audit = ledger.audit();
  REQUIRE(audit);
  CHECK_MESSAGE(audit->broken.empty(), audit->broken);
  CHECK(audit->links == 5);
}

TEST_CASE("what is no ledger is told, and left as it is") {
  TempDir dir;
  CHECK(audit_ledger(dir / "none.db").error().message().find("none.db") != std::string::npos);
  spit(dir / "text.db", "no database at all, but long enough to be looked at");
  CHECK_FALSE(audit_ledger(dir / "text.db"));
  CHECK(slurp(dir / "text.db") == "no database at all, but long enough to be looked at");
  CHECK(dir.list("text").size() == 1);
}

TEST_CASE("runbooks that are not trusted are few, and the first word about one stands") {
  TempDir dir;
  Ledger ledger = open(dir / "ledger.db");
  REQUIRE(ledger.disarm({"logs", "the guard", "3 of 4 failed", at(0)}));
  REQUIRE(ledger.disarm({"logs", "ada", "me too", at(1)}));
  REQUIRE(ledger.disarmed()->size() == 1);
  CHECK(ledger.disarmed()->at(0).by == "the guard");
  CHECK_FALSE(ledger.disarm({"", "ada", "", at(1)}));
  for (std::size_t i = 1; i < Ledger::kMostDisarmed; ++i)
    REQUIRE(ledger.disarm({"runbook" + std::to_string(i), "ada", "", at(2)}));
  CHECK(ledger.disarm({"one-more", "ada", "", at(3)}).error().code == ErrorCode::limit);
  REQUIRE(ledger.rearm("logs", "root", at(4)));
  CHECK(ledger.disarmed()->size() == Ledger::kMostDisarmed - 1);
  REQUIRE(ledger.armed()->size() == 1);
  CHECK(ledger.armed()->at(0).at == at(4));
  for (std::size_t i = 0; i < Ledger::kMostDisarmed + 5; ++i)
    REQUIRE(ledger.rearm("armed" + std::to_string(i), "root", at(5)));
  CHECK(ledger.armed()->size() <= Ledger::kMostDisarmed);
  CHECK(ledger.words_since(at(2)).value_or(0) == static_cast<std::int64_t>(Ledger::kMostDisarmed) - 1);
}
