// SPDX-License-Identifier: Apache-2.0
#include "agent/store/agent_store.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/record/random_records.h"
#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
const WallTime kNow = wall_from_ns(1'764'000'000'000'000'000);
WallTime at(int seconds) { return kNow + std::chrono::seconds(seconds); }

AgentStore open(const std::string& path = ":memory:", SpoolLimits limits = {}) {
  auto store = AgentStore::open(path, limits);
  REQUIRE(store);
  return std::move(*store);
}
Incident incident_of(const std::string& id, int opened, IncidentState state = IncidentState::open) {
  Incident incident;
  incident.id = id;
  incident.root = {EntityKind::service, "nginx.service"};
  incident.kind = "service.failed";
  incident.opened_at = at(opened);
  incident.state = state;
  if (state == IncidentState::resolved) incident.closed_at = at(opened + 5);
  return incident;
}
Order order_of(const std::string& key, const std::string& incident, int issued) {
  Order order;
  order.key = key;
  order.incident_id = incident;
  order.runbook = "service";
  order.plan.action = "service.restart";
  order.plan.target = {EntityKind::service, "nginx.service"};
  order.issued_at = at(issued);
  return order;
}
}  // namespace

TEST_CASE("an incident keeps its highest revision") {
  AgentStore store = open();
  Incident incident = incident_of("aa11", 0);
  incident.revision = 2;
  incident.summary = "second";
  REQUIRE(store.put_incident(incident));
  incident.revision = 1;
  incident.summary = "first, late";
  REQUIRE(store.put_incident(incident));
  CHECK(store.find_incident("aa11")->summary == "second");
  incident.revision = 3;
  incident.state = IncidentState::resolved;
  incident.closed_at = at(9);
  REQUIRE(store.put_incident(incident));
  CHECK(store.unresolved()->empty());
}

TEST_CASE("listing: newest first, pages, state, what is unresolved") {
  AgentStore store = open();
  for (int i = 0; i < 10; ++i)
    REQUIRE(store.put_incident(
        incident_of("id" + std::to_string(i), i, i % 2 ? IncidentState::resolved : IncidentState::escalated)));
  const auto page = store.incidents({.limit = 3});
  REQUIRE(page->size() == 3);
  CHECK(page->front().id == "id9");
  const auto next = store.incidents({.limit = 3, .opened_before = page->back().opened_at});
  CHECK(next->front().id == "id6");
  CHECK(store.incidents({.state = IncidentState::escalated})->size() == 5);
  const auto open_ones = store.unresolved();
  REQUIRE(open_ones->size() == 5);
  CHECK(open_ones->front().id == "id0");
}

TEST_CASE("find by a unique prefix") {
  AgentStore store = open();
  REQUIRE(store.put_incident(incident_of("abcd", 0)));
  REQUIRE(store.put_incident(incident_of("abff", 0)));
  REQUIRE(store.put_incident(incident_of("ab", 0)));
  CHECK(store.find_incident("abc")->id == "abcd");
  CHECK(store.find_incident("ab")->id == "ab");
  CHECK(store.find_incident("a").error().code == ErrorCode::conflict);
  CHECK(store.find_incident("x").error().code == ErrorCode::not_found);
  CHECK(store.find_incident("").error().code == ErrorCode::not_found);
  CHECK(store.find_incident("%").error().code == ErrorCode::not_found);
}

TEST_CASE("orders and outcomes") {
  AgentStore store = open();
  REQUIRE(store.put_order(order_of("k1", "i1", 0)));
  CHECK(store.put_order(order_of("k1", "i1", 1)).error().code == ErrorCode::conflict);
  REQUIRE(store.put_order(order_of("k2", "i1", 5)));
  Outcome outcome;
  outcome.key = "k1";
  outcome.result = OutcomeResult::done;
  REQUIRE(store.put_outcome(outcome));
  outcome.result = OutcomeResult::interrupted;
  REQUIRE(store.put_outcome(outcome));
  outcome.key = "unknown";
  CHECK(store.put_outcome(outcome).error().code == ErrorCode::not_found);
  REQUIRE(store.open_orders()->size() == 1);
  CHECK(store.open_orders()->front().key == "k2");
  const auto orders = store.orders_of("i1");
  REQUIRE(orders->size() == 2);
  CHECK((*orders)[0].outcome->result == OutcomeResult::done);
  CHECK_FALSE((*orders)[1].outcome);
  const auto past = store.history(at(0));
  REQUIRE(past->size() == 2);
  CHECK((*past)[0].finished);
  CHECK((*past)[1].key == "k2");
  CHECK(store.history(at(1))->size() == 1);
}

TEST_CASE("settings outlive a restart") {
  TempDir dir;
  {
    AgentStore store = open(dir / "s.db");
    CHECK_FALSE(*store.setting("halt"));
    REQUIRE(store.set_setting("halt", "{\"by\":\"x\"}"));
    CHECK_FALSE(store.set_setting("big", std::string(AgentStore::kMostSetting + 1, 'x')));
  }
  CHECK(**open(dir / "s.db").setting("halt") == "{\"by\":\"x\"}");
}

TEST_CASE("pruning by age and by size spares what is open and what the guard may ask for") {
  TempDir dir;
  AgentStore store = open(dir / "s.db");
  RandomRecords random(2);
  for (int i = 0; i < 400; ++i) {
    Incident incident = incident_of("id" + std::to_string(1000 + i), i, IncidentState::resolved);
    incident.summary = std::string(900, 's');
    incident.diagnosis = std::string(900, 'd');
    REQUIRE(store.put_incident(incident));
  }
  REQUIRE(store.put_incident(incident_of("open", -1000)));
  REQUIRE(store.put_order(order_of("k1", "id1000", 0)));
  Outcome outcome;
  outcome.key = "k1";
  REQUIRE(store.put_outcome(outcome));
  REQUIRE(store.prune(at(500), kib(300), std::chrono::hours(24)));
  const std::size_t left = store.incidents({.limit = 1000})->size();
  CHECK(left > 20);
  CHECK(left < 200);
  CHECK(store.find_incident("id1399"));
  CHECK(store.find_incident("open"));
  CHECK(store.history(at(0))->size() == 1);
  REQUIRE(store.prune(at(86400 * 3), mib(10), std::chrono::hours(24)));
  CHECK(store.incidents({.limit = 1000})->size() == 1);
  CHECK(store.history(at(0))->empty());
}

TEST_CASE("a broken store is moved aside and the daemon starts") {
  TempDir dir;
  spit(dir / "s.db", std::string(5000, 'x'));
  AgentStore store = open(dir / "s.db");
  CHECK_FALSE(store.quarantined().empty());
  CHECK(store.put_incident(incident_of("a", 0)));
}

TEST_CASE("kill -9 at any point: acknowledged orders, incidents and spool records are there, ids never come twice") {
  for (std::size_t acks : {1u, 2u, 9u, 33u, 121u}) {
    TempDir dir;
    const std::string path = dir / "s.db";
    const std::string got = run_and_kill(acks, [&](int out) {
      auto store = AgentStore::open(path, {});
      for (int i = 0; store && i < 10'000; ++i) {
        const std::string n = std::to_string(i);
        if (!store->put_incident(incident_of("i" + n, i)) || ::write(out, "i", 1) != 1) return;
        if (!store->spool().append(SpoolSignal::logs, "u" + n, "payload", at(i)) || ::write(out, "s", 1) != 1) return;
        if (!store->put_order(order_of("k" + n, "i" + n, i)) || ::write(out, "o", 1) != 1) return;
      }
    });
    AgentStore store = open(path);
    CHECK(store.quarantined().empty());
    const auto orders = store.open_orders();
    const auto incidents = store.unresolved();
    const auto records = store.spool().next_batch(SpoolSignal::logs, mib(64), 100'000);
    CHECK(incidents->size() >= (got.size() + 2) / 3);
    CHECK(records->size() >= (got.size() + 1) / 3);
    CHECK(orders->size() >= got.size() / 3);
    std::set<std::string> uids;
    for (const SpoolItem& item : *records) uids.insert(item.uid);
    CHECK(uids.size() == records->size());
  }
}

namespace {
Incident past(const std::string& id, int opened, const std::string& unit, const std::string& fingerprint) {
  Incident incident = incident_of(id, opened, IncidentState::resolved);
  incident.fault_at = at(opened - 1);
  incident.root.name = unit;
  incident.fingerprint = fingerprint;
  return incident;
}
// Orders a restart of the incident's root and says how it went; result: of the entry `verified`, "" for none.
void treat(AgentStore& store, Incident& incident, const std::string& key, OutcomeResult result,
           std::optional<std::string> verified) {
  Order order = order_of(key, incident.id, 0);
  order.plan.what = "restart " + incident.root.name;
  REQUIRE(store.put_order(order));
  Outcome outcome;
  outcome.key = key;
  outcome.result = result;
  REQUIRE(store.put_outcome(outcome));
  add_timeline(incident, at(0), TimelineKind::ordered, "ordered", {{"order", key}});
  if (!verified) return;
  std::vector<Attribute> attributes;
  if (!verified->empty()) attributes.push_back({"result", *verified});
  add_timeline(incident, at(1), TimelineKind::verified, "verified", attributes);
}
}  // namespace

TEST_CASE("earlier incidents like it: by signals, else by root, else by kind, with what helped") {
  AgentStore store = open();
  Incident helped = past("a1", 10, "nginx.service", "f1"), failed = past("a2", 20, "nginx.service", "f1");
  treat(store, helped, "k1", OutcomeResult::done, "");
  treat(store, failed, "k2", OutcomeResult::done, "failed");
  treat(store, failed, "k3", OutcomeResult::refused, std::nullopt);  // nothing was done
  Incident alone = past("a3", 30, "nginx.service", "f1");
  Incident other = past("b1", 15, "db.service", "f2");
  treat(store, other, "k4", OutcomeResult::failed, std::nullopt);
  Incident suspicion = past("c1", 16, "nginx.service", "f1"), part = past("c2", 17, "nginx.service", "f1");
  suspicion.suspicion = true;
  part.part_of = "a1";
  for (const Incident& one : {helped, failed, alone, other, suspicion, part}) REQUIRE(store.put_incident(one));

  const auto same = store.similar(past("x", 100, "nginx.service", "f1"));
  REQUIRE(same);
  CHECK(same->likeness == Likeness::fingerprint);
  CHECK(same->count == 3);
  CHECK(same->read == 3);
  CHECK(same->untreated_resolved == 1);
  REQUIRE(same->incidents.size() == 3);
  CHECK(same->incidents[0].id == "a3");
  CHECK_FALSE(same->incidents[0].treated);
  CHECK(same->incidents[2].lasted == Duration(std::chrono::seconds(6)));
  REQUIRE(same->treatments.size() == 1);
  CHECK(same->treatments[0].what == "restart nginx.service");
  CHECK(same->treatments[0].given == 2);
  CHECK(same->treatments[0].proved == 1);

  const auto here = store.similar(past("x", 100, "nginx.service", "f9"));
  REQUIRE(here);
  CHECK(here->likeness == Likeness::root);
  CHECK(here->count == 3);

  const auto kind = store.similar(past("x", 100, "cache.service", "f9"));
  REQUIRE(kind);
  CHECK(kind->likeness == Likeness::kind);
  CHECK(kind->count == 4);
  REQUIRE(kind->treatments.size() == 1);
  CHECK(kind->treatments[0].what == "service.restart");
  CHECK(kind->treatments[0].given == 3);

  // What came later, and itself, is not before.
  CHECK(store.similar(past("a1", 10, "nginx.service", "f1"))->count == 0);
  CHECK(store.similar(past("a1", 10, "nginx.service", "f1"))->likeness == Likeness::none);
}

TEST_CASE("of very many earlier incidents the newest are read, all are counted, few are listed") {
  AgentStore store = open();
  for (int i = 0; i < 70; ++i) REQUIRE(store.put_incident(past("p" + std::to_string(i), i, "nginx.service", "f1")));
  const auto cases = store.similar(past("x", 1000, "nginx.service", "f1"));
  REQUIRE(cases);
  CHECK(cases->count == 70);
  CHECK(cases->read == SimilarCases::kMostRead);
  CHECK(cases->incidents.size() == SimilarCases::kMostShown);
  CHECK(cases->incidents[0].id == "p69");
}

TEST_CASE("what came of treatments is kept over a restart, one row a subject and action, bounded") {
  const TempDir dir;
  {
    AgentStore store = open(dir / "agent.db");
    CHECK(store.experience()->empty());
    REQUIRE(
        store.put_experience({{"f1", "service.restart", {1, 0, at(1), 1}}, {"service.failed", "x", {0, 1, at(1), 0}}}));
    REQUIRE(store.put_experience({{"f1", "service.restart", {1.5, 2, at(2), 0}}}));
  }
  AgentStore store = open(dir / "agent.db");
  const auto rows = store.experience();
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(1).subject == "f1");
  CHECK(rows->at(1).record.helped == 1.5);
  CHECK(rows->at(1).record.failed == 2);
  CHECK(rows->at(1).record.supervised == 0);
  CHECK(rows->at(1).record.at == at(2));
  std::vector<ExperienceRow> many;
  for (int i = 0; i < 2100; ++i) many.push_back({"g" + std::to_string(i), "a", {1, 0, at(10 + i), 0}});
  REQUIRE(store.put_experience(many));
  CHECK(store.experience()->size() == Experience::kMostRows);
  CHECK(store.experience()->back().subject == "g2099");
}
