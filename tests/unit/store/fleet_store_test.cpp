// SPDX-License-Identifier: Apache-2.0
#include "agent/store/fleet_store.h"

#include <doctest/doctest.h>

#include "agent/record/record.h"
#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
const WallTime kNow = wall_from_ns(1'764'000'000'000'000'000);
WallTime at(int seconds) { return kNow + std::chrono::seconds(seconds); }

FleetStore open(const std::string& path = ":memory:") {
  auto store = FleetStore::open(path);
  REQUIRE(store);
  return std::move(*store);
}
const FleetSender kWeb{"web1", "id-1", "f00d", "0.1.0"};
const FleetSender kDb{"db1", "id-2", "beef", "0.1.0"};

FleetLog log_of(const std::string& id, std::uint32_t revision, IncidentState state, int opened = 0) {
  Incident incident;
  incident.id = id;
  incident.revision = revision;
  incident.state = state;
  incident.root = {EntityKind::service, "nginx.service"};
  incident.opened_at = at(opened);
  if (state == IncidentState::resolved) incident.closed_at = at(opened + 3);
  FleetLog log;
  log.uid = id + "-" + std::to_string(revision);
  log.at = at(opened);
  log.attributes = "{}";
  log.incident_record = to_json(incident);
  log.incident = std::move(incident);
  return log;
}
}  // namespace

TEST_CASE("a record that comes again changes nothing, over restarts too") {
  TempDir dir;
  {
    FleetStore store = open(dir / "f.db");
    const auto first =
        store.add_logs(kWeb, {log_of("a", 1, IncidentState::open), log_of("a", 2, IncidentState::resolved)}, at(1));
    REQUIRE(first);
    CHECK(first->stored == 2);
    CHECK(first->duplicates == 0);
  }
  FleetStore store = open(dir / "f.db");
  const auto again =
      store.add_logs(kWeb, {log_of("a", 1, IncidentState::open), log_of("a", 2, IncidentState::resolved)}, at(2));
  REQUIRE(again);
  CHECK(again->stored == 0);
  CHECK(again->duplicates == 2);
  const auto counts = store.counts();
  CHECK(counts->logs == 2);
  CHECK(counts->incidents == 1);
  CHECK(counts->open_incidents == 0);
}

TEST_CASE("the same uid of two hosts is two records; an older revision that comes late changes nothing") {
  FleetStore store = open();
  REQUIRE(store.add_logs(kWeb, {log_of("a", 5, IncidentState::resolved)}, at(1)));
  REQUIRE(store.add_logs(kWeb, {log_of("a", 4, IncidentState::open)}, at(2)));
  REQUIRE(store.add_logs(kDb, {log_of("a", 5, IncidentState::escalated, 10)}, at(3)));
  CHECK(store.counts()->logs == 3);
  CHECK(store.counts()->incidents == 2);
  CHECK(incident_from_json(store.incident("a", "web1")->record)->state == IncidentState::resolved);
  CHECK(store.incident("a", "")->host == "db1");
  CHECK(store.incident("b", "").error().code == ErrorCode::not_found);
  CHECK(store.incident("a", "other").error().code == ErrorCode::not_found);
}

TEST_CASE("listing by host, state and page") {
  FleetStore store = open();
  for (int i = 0; i < 6; ++i) {
    const IncidentState state = i % 2 ? IncidentState::resolved : IncidentState::escalated;
    REQUIRE(store.add_logs(i < 3 ? kWeb : kDb, {log_of("id" + std::to_string(i), 1, state, i)}, at(i)));
  }
  CHECK(store.incidents({})->size() == 6);
  CHECK(store.incidents({.host = "web1"})->size() == 3);
  CHECK(store.incidents({.state = IncidentState::resolved})->size() == 3);
  CHECK(store.incidents({.unclosed_only = true})->size() == 3);
  const auto page = store.incidents({.limit = 2});
  REQUIRE(page->size() == 2);
  CHECK(incident_from_json(page->front().record)->id == "id5");
  CHECK(store.incidents({.opened_before = at(4)})->size() == 4);
}

TEST_CASE("hosts: first and last seen, what is open, what was lost, last metrics") {
  FleetStore store = open();
  FleetLog gap;
  gap.uid = "gap-1";
  gap.attributes = "{}";
  gap.lost = 12;
  REQUIRE(store.add_logs(kWeb, {log_of("a", 1, IncidentState::open), gap}, at(1)));
  REQUIRE(store.add_logs(kWeb, {gap}, at(2)));
  FleetSender upgraded = kWeb;
  upgraded.version = "0.2.0";
  REQUIRE(store.add_metrics(upgraded, {{"system.memory.utilization", "", "1", 0.5, at(9)}}, at(9)));
  REQUIRE(store.add_metrics(upgraded, {{"system.memory.utilization", "", "1", 0.4, at(8)}}, at(9)));
  REQUIRE(store.add_logs({"web1", "", "f00d", ""}, {}, at(9)));  // says nothing of itself: what is known stays
  const auto hosts = store.hosts();
  REQUIRE(hosts->size() == 1);
  const FleetHost& host = hosts->front();
  CHECK(host.first_seen == at(1));
  CHECK(host.last_seen == at(9));
  CHECK(host.sender.version == "0.2.0");
  CHECK(host.sender.host_id == "id-1");
  CHECK(host.open_incidents == 1);
  CHECK(host.lost_records == 12);
  REQUIRE(host.metrics.size() == 1);
  CHECK(host.metrics[0].value == 0.5);
}

TEST_CASE("suspicions, and what another incident explains, call for nobody") {
  FleetStore store = open();
  FleetLog suspicion = log_of("a", 1, IncidentState::open), part = log_of("b", 1, IncidentState::open);
  suspicion.incident->suspicion = true;
  suspicion.incident_record = to_json(*suspicion.incident);
  part.incident->part_of = "c";
  part.incident_record = to_json(*part.incident);
  REQUIRE(store.add_logs(kWeb, {suspicion, part}, at(1)));
  CHECK(store.counts()->incidents == 2);
  CHECK(store.counts()->open_incidents == 0);
  CHECK(store.counts()->suspicions == 1);
  CHECK(store.hosts()->front().open_incidents == 0);
  FleetQuery unclosed;
  unclosed.unclosed_only = true;
  CHECK(store.incidents(unclosed)->size() == 2);
  REQUIRE(store.add_logs(kWeb, {log_of("a", 2, IncidentState::open)}, at(2)));  // confirmed
  CHECK(store.counts()->open_incidents == 1);
  CHECK(store.counts()->suspicions == 0);
  CHECK(store.hosts()->front().open_incidents == 1);
}

TEST_CASE("metrics of a host are bounded") {
  FleetStore store = open();
  std::vector<FleetMetric> metrics;
  for (int i = 0; i < 400; ++i) metrics.push_back({"m" + std::to_string(1000 + i), "", "1", 1.0, at(0)});
  REQUIRE(store.add_metrics(kWeb, metrics, at(0)));
  CHECK(store.hosts()->front().metrics.size() == FleetStore::kMostMetrics);
  metrics = {{"m1000", "", "1", 2.0, at(1)}};
  REQUIRE(store.add_metrics(kWeb, metrics, at(1)));
  CHECK(store.hosts()->front().metrics[0].value == 2.0);
}

TEST_CASE("pruning by age and size keeps what is open") {
  TempDir dir;
  FleetStore store = open(dir / "f.db");
  for (int i = 0; i < 300; ++i) {
    FleetLog log =
        log_of("id" + std::to_string(1000 + i), 1, i == 0 ? IncidentState::open : IncidentState::resolved, i);
    log.body = std::string(3000, 'b');
    REQUIRE(store.add_logs(kWeb, {log}, at(i)));
  }
  REQUIRE(store.add_logs(kDb, {}, at(0)));
  REQUIRE(store.expire(at(300), std::chrono::hours(24)));
  CHECK(store.counts()->logs == 300);
  REQUIRE(store.shrink(kib(400)));
  CHECK(store.counts()->logs < 200);
  CHECK(store.incident("id1000", "web1"));
  CHECK(store.incident("id1299", "web1"));
  CHECK(store.counts()->hosts == 2);
  REQUIRE(store.expire(at(86400 * 2), std::chrono::hours(24)));
  CHECK(store.counts()->logs == 0);
  CHECK(store.counts()->incidents == 1);
  CHECK(store.counts()->hosts == 1);
}

TEST_CASE("who sends open incidents without end does not fill the disk, nor push out those of others") {
  TempDir dir;
  FleetStore store = open(dir / "f.db");
  REQUIRE(store.add_logs(kDb, {log_of("mine", 1, IncidentState::open, 0)}, at(0)));
  for (int i = 0; i < 400; ++i)
    REQUIRE(store.add_logs(kWeb, {log_of("id" + std::to_string(1000 + i), 1, IncidentState::open, i + 1)}, at(i + 1)));
  REQUIRE(store.shrink(kib(200)));
  CHECK(store.counts()->incidents < 300);
  CHECK(store.incident("id1399", "web1"));
  CHECK(!store.incident("id1000", "web1"));
  CHECK(store.incident("mine", ""));
  CHECK(std::filesystem::file_size(dir / "f.db") < 400U << 10);
}

TEST_CASE("kill -9 while receiving: what was acknowledged is there once") {
  TempDir dir;
  const std::string path = dir / "f.db";
  std::size_t acked = 0;
  for (int round = 0; round < 4; ++round) {  // the sender repeats everything after each crash
    const std::string got = run_and_kill(10 + acked, [&](int out) {
      auto store = FleetStore::open(path);
      for (int i = 0; store && i < 10'000; ++i) {
        if (!store->add_logs(kWeb, {log_of("id" + std::to_string(i), 1, IncidentState::open, i)}, at(i))) return;
        if (::write(out, "x", 1) != 1) return;
      }
    });
    acked = std::max(acked, got.size());
  }
  FleetStore store = open(path);
  CHECK(store.quarantined().empty());
  const std::int64_t logs = store.counts()->logs;
  CHECK(logs >= static_cast<std::int64_t>(acked));
  CHECK(store.counts()->incidents == logs);
}
