// SPDX-License-Identifier: Apache-2.0
// One fault, one incident: who is blamed, who is listed as affected, what is only suspected, and what a storm is.
#include <doctest/doctest.h>

#include "detect/correlate/storm_watch.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::Engine;
using test::engine_of;
using test::Stream;

namespace {

// front asks app, app asks db; each is a unit without a restart policy.
struct Chain {
  std::unique_ptr<Engine> engine = engine_of();
  Stream stream;
  EntityId host = stream.entity(EntityKind::host, "");
  EntityId front = stream.entity(EntityKind::service, "front.service");
  EntityId app = stream.entity(EntityKind::service, "app.service");
  EntityId db = stream.entity(EntityKind::service, "db.service");
  SeriesId front_good = requests(front, "2xx"), front_bad = requests(front, "5xx");
  SeriesId app_good = requests(app, "2xx"), app_bad = requests(app, "5xx");
  double second = 3600, sent = 0, failed_front = 0, failed_app = 0;
  bool failing_front = false, failing_app = false;

  SeriesId requests(EntityId entity, const std::string& status) {
    return stream.series(entity, metric::kHttpRequests,
                         "http.response.status_code=" + status + ",network.local.port=80");
  }
  Chain() {
    const auto meets = [&](std::string_view server, std::string_view client, std::string_view port) {
      stream.event(EventKind::listener, host,
                   {{attr::kProcessUnit, server},
                    {attr::kNetworkLocalAddress, "0.0.0.0"},
                    {attr::kNetworkLocalPort, port},
                    {attr::kListenerState, "listening"}});
      stream.event(
          EventKind::destination, host,
          {{attr::kProcessUnit, client}, {attr::kNetworkPeerAddress, "127.0.0.1"}, {attr::kNetworkPeerPort, port}});
    };
    meets("app.service", "front.service", "8000");
    meets("db.service", "app.service", "5432");
    ticks(5);
  }
  detect::Changes tick() {
    second += 1;
    sent += 20;
    if (failing_front) failed_front += 20;
    if (failing_app) failed_app += 20;
    stream.sample(front_good, sent - failed_front).sample(front_bad, failed_front);
    stream.sample(app_good, sent - failed_app).sample(app_bad, failed_app);
    return engine->step(stream.cut(second));
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) tick();
  }
  Chain& unit(EntityId entity, std::string_view state) {
    stream.event(EventKind::unit_state, entity,
                 {{attr::kUnitActiveState, state}, {attr::kUnitRestartPolicy, "no"}, {attr::kUnitResult, "signal"}});
    return *this;
  }
  std::vector<const Incident*> active() const {
    std::vector<const Incident*> all;
    for (const auto& [id, incident] : engine->incidents())
      if (incident.active) all.push_back(&incident);
    return all;
  }
};

}  // namespace

TEST_CASE("a dead database is one incident: the two above it are affected, with the path, and nothing else opens") {
  Chain chain;
  chain.unit(chain.db, "failed").tick();
  chain.failing_app = chain.failing_front = true;
  chain.ticks(4);
  REQUIRE(chain.active().size() == 1);
  const Incident* incident = chain.active()[0];
  CHECK(to_string(incident->root) == "service:db.service");
  REQUIRE(incident->affected.size() == 2);
  CHECK(to_string(incident->affected[0].entity) == "service:app.service");
  CHECK(incident->affected[0].path == "service:app.service > service:db.service");
  CHECK(incident->affected[1].path == "service:front.service > service:app.service > service:db.service");
  CHECK(incident->affected[1].symptom.find("service:front.service") != std::string::npos);
  REQUIRE_FALSE(incident->candidates.empty());
  CHECK(incident->candidates[0].entity == incident->root);
  CHECK(incident->candidates[0].why.starts_with("explains 3 of 3 that suffer; the first sign"));
  CHECK(incident->candidates[0].score > incident->candidates[1].score);
  // Their own rules fire in time: they are a part of it.
  chain.ticks(60);
  CHECK(chain.active().size() == 1);
  CHECK(chain.engine->incidents().size() == 1);
  // The database runs again, the others recover a little later.
  chain.unit(chain.db, "active").ticks(5);
  chain.failing_app = chain.failing_front = false;
  chain.ticks(120);
  CHECK(chain.active().empty());
  CHECK(chain.engine->incidents().size() == 1);
}

TEST_CASE("the host's resolver explains whoever does not answer, and no other service does") {
  for (const bool resolver : {true, false}) {
    CAPTURE(resolver);
    Chain chain;
    const EntityId names = chain.stream.entity(EntityKind::service, "names.service");
    chain.stream.event(EventKind::listener, names,
                       {{attr::kNetworkLocalAddress, "127.0.0.53"},
                        {attr::kNetworkLocalPort, resolver ? "53" : "5353"},
                        {attr::kListenerState, "listening"}});
    chain.tick();
    chain.unit(names, "failed").tick();
    chain.failing_front = true;
    chain.ticks(90);
    CHECK(chain.active().size() == (resolver ? 1 : 2));
    if (resolver) CHECK(to_string(chain.active()[0]->affected.at(0).entity) == "service:front.service");
  }
}

TEST_CASE("who suffers of it is a second signal") {
  for (const bool felt : {false, true}) {
    CAPTURE(felt);
    Chain chain;
    const SeriesId up = chain.stream.series(chain.db, metric::kCheckUp, "check.id=db");
    for (int i = 0; i < 40; ++i) {
      chain.failing_app = felt && i > 27;
      chain.stream.sample(up, 0);
      chain.tick();
    }
    REQUIRE(chain.active().size() == 1);
    CHECK(to_string(chain.active()[0]->root) == "service:db.service");
    CHECK(chain.active()[0]->signals == (felt ? 2 : 1));
  }
}

TEST_CASE("when only the front fails, the front is blamed and nobody else is listed") {
  Chain chain;
  chain.unit(chain.front, "failed").tick();
  chain.ticks(30);
  REQUIRE(chain.active().size() == 1);
  CHECK(to_string(chain.active()[0]->root) == "service:front.service");
  CHECK(chain.active()[0]->affected.empty());
}

TEST_CASE("what still fails after its cause is gone is a fault of its own") {
  Chain chain;
  chain.unit(chain.db, "failed").tick();
  chain.failing_app = true;
  chain.ticks(30);
  chain.unit(chain.db, "active").ticks(110);
  CHECK(chain.active().empty());
  chain.ticks(30);
  REQUIRE(chain.active().size() == 1);
  CHECK(to_string(chain.active()[0]->root) == "service:app.service");
}

TEST_CASE("an incident that turns out to be a consequence becomes a part of its cause") {
  Chain chain;
  chain.unit(chain.app, "failed").tick();
  REQUIRE(chain.active().size() == 1);
  const std::string first = chain.active()[0]->id;
  chain.ticks(10);
  const auto changes = chain.unit(chain.db, "failed").tick();
  REQUIRE(chain.active().size() == 1);
  CHECK(to_string(chain.active()[0]->root) == "service:db.service");
  CHECK(changes.opened == std::vector<std::string>{chain.active()[0]->id});
  CHECK(changes.cleared == std::vector<std::string>{first});
  CHECK(chain.engine->incidents().at(first).part_of == chain.active()[0]->id);
}

TEST_CASE("a package that was upgraded just before is the leading hypothesis, with its version") {
  Chain chain;
  const EntityId package = chain.stream.entity(EntityKind::package, "hm-db");
  chain.stream.event(
      EventKind::relation, chain.db,
      {{attr::kRelationType, "owned_by"}, {attr::kRelationTarget, "package:hm-db"}, {attr::kRelationState, "present"}});
  chain.stream.event(EventKind::change, package,
                     {{attr::kChangeType, "package"},
                      {attr::kChangeAction, "upgraded"},
                      {attr::kChangeName, "hm-db"},
                      {attr::kChangePreviousVersion, "1.0"},
                      {attr::kChangeVersion, "2.0"}});
  chain.ticks(3);
  chain.unit(chain.db, "failed").tick();
  REQUIRE(chain.active().size() == 1);
  const Incident& incident = *chain.active()[0];
  REQUIRE(incident.changes.size() == 1);
  CHECK(incident.changes[0].text == "package hm-db was upgraded from 1.0 to 2.0");
  CHECK(incident.changes[0].probability > 0.8);
  REQUIRE_FALSE(incident.causes.empty());
  CHECK(to_string(incident.causes[0]) == "package:hm-db");
  CHECK(incident.diagnosis.find("Leading hypothesis: it is the work of a change: package hm-db") != std::string::npos);
  const auto found = std::ranges::find(incident.context, "package change", &ContextCheck::what);
  REQUIRE(found != incident.context.end());
  CHECK(found->found.starts_with("package hm-db was upgraded"));
  CHECK(chain.engine->recent_change(incident.root) == "package hm-db was upgraded from 1.0 to 2.0");
  // What is told late, of just before, is looked at too.
  chain.stream.event(
      EventKind::change, chain.db,
      {{attr::kChangeType, "configuration"}, {attr::kChangeAction, "modified"}, {attr::kChangePath, "/etc/db.conf"}});
  chain.tick();
  CHECK(incident.changes.size() == 2);
  // Long after, it is no longer suspected.
  chain.unit(chain.db, "active").ticks(5);
  chain.ticks(700);
  CHECK(chain.engine->recent_change(incident.root).empty());
}

TEST_CASE("a hundred and more anomalies in a minute are one systemic incident") {
  Stream stream;
  auto engine = engine_of();
  std::vector<EntityId> units;
  for (int i = 0; i < 200; ++i)
    units.push_back(stream.entity(EntityKind::service, "s" + std::to_string(i) + ".service"));
  double second = 3600;
  std::size_t most_active = 0;
  for (int i = 0; i < 200; ++i) {
    stream.event(EventKind::unit_state, units[static_cast<std::size_t>(i)],
                 {{attr::kUnitActiveState, "failed"}, {attr::kUnitRestartPolicy, "no"}});
    (void)engine->step(stream.cut(second += 0.3));
  }
  std::vector<const Incident*> alone;
  for (const auto& [id, incident] : engine->incidents()) {
    most_active += incident.active ? 1 : 0;
    if (incident.part_of.empty()) alone.push_back(&incident);
  }
  CHECK(most_active == 1);
  REQUIRE(alone.size() == 1);
  CHECK(alone[0]->kind == "systemic");
  CHECK(to_string(alone[0]->root) == "host");
  CHECK(alone[0]->severity == Severity::critical);
  CHECK_FALSE(alone[0]->suspicion);
  CHECK(alone[0]->affected.size() == kMostAffected);
  CHECK(engine->storming());
  CHECK(engine->incidents().size() <= detect::StormWatch::kMostOpenings + 1);
  for (const EntityId id : units)
    stream.event(EventKind::unit_state, id, {{attr::kUnitActiveState, "active"}, {attr::kUnitRestartPolicy, "no"}});
  for (int i = 0; i < 400; ++i) (void)engine->step(stream.cut(second += 1));
  CHECK_FALSE(engine->storming());
  for (const auto& [id, incident] : engine->incidents()) CHECK_FALSE(incident.active);
}

TEST_CASE("failures that all come in one frame do not each open an incident first") {
  for (const int count : {30, 200}) {
    Stream stream;
    auto engine = engine_of();
    for (int i = 0; i < count; ++i)
      stream.event(EventKind::unit_state, stream.entity(EntityKind::service, "s" + std::to_string(i) + ".service"),
                   {{attr::kUnitActiveState, "failed"}, {attr::kUnitRestartPolicy, "no"}});
    (void)engine->step(stream.cut(3600));
    (void)engine->step(stream.cut(3601));
    CHECK(engine->incidents().size() <= detect::StormWatch::kMostOpenings + 1);
    CHECK(std::ranges::count_if(engine->incidents(), [](const auto& one) { return one.second.active; }) == 1);
  }
}

TEST_CASE("a host short of what all share explains who suffers on it; damage to some filesystem does not") {
  const auto roots_with = [](std::string_view pattern) {
    Chain chain;
    chain.stream.event(EventKind::kernel_message, chain.host, {{attr::kKernelPattern, pattern}});
    chain.tick();
    chain.failing_app = true;
    chain.ticks(30);
    std::vector<std::string> roots;
    for (const Incident* one : chain.active())
      if (one->part_of.empty()) roots.push_back(to_string(one->root));
    return roots;
  };
  CHECK(roots_with("filesystem_error") == std::vector<std::string>{"host", "service:app.service"});
  CHECK(roots_with("soft_lockup") == std::vector<std::string>{"host"});
}

TEST_CASE("what only departs from the usual, or is one weak sign, stays a suspicion until something confirms it") {
  Stream stream;
  auto engine = engine_of();
  const EntityId host = stream.entity(EntityKind::host, "");
  const SeriesId idle = stream.series(host, metric::kCpuTime, "cpu.mode=idle");
  double seconds = 0;
  for (double second = 3600; second < 4000; second += 1) {
    stream.sample(idle, seconds += 0.01);
    (void)engine->step(stream.cut(second));
  }
  const Incident* incident = test::only(*engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "cpu.saturated");
  CHECK(incident->suspicion);
}
