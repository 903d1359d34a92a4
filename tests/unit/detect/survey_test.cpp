// SPDX-License-Identifier: Apache-2.0
// The scorer on a stream of frames: groups, suspicions as incidents, what outlives a restart, holds and budgets.
#include "detect/survey.h"

#include <doctest/doctest.h>

#include "tests/unit/detect/scorer/scorer_world.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

namespace {

// One service with three gauges, a filesystem, and the agent itself; a reading a minute.
struct Host {
  explicit Host(EngineConfig settings = {}) {
    settings.scoring.interval = 1min;
    settings.scoring.warm_up = 2h;
    engine = *Engine::make(std::move(settings));
    define();
  }
  void define() {
    service = stream.entity(EntityKind::service, "shop.service");
    disk = stream.entity(EntityKind::filesystem, "/srv");
    const EntityId agent = stream.entity(EntityKind::agent, "probe.cpu");
    series = {stream.series(service, metric::kServiceMemoryUsage), stream.series(service, metric::kServiceTasks),
              stream.series(service, metric::kServiceSwapUsage), stream.series(disk, metric::kFilesystemUtilization),
              stream.series(agent, metric::kAgentMemory)};
  }
  const Changes& minute(double more_of_service = 0) {
    ++now;
    for (std::size_t i = 0; i < series.size(); ++i)
      stream.sample(series[i], 100 + test::noise(i, now) + (i < 3 ? more_of_service : 0));
    return engine->step(stream.cut(60.0 * static_cast<double>(now)));
  }
  void run(int minutes) {
    for (int i = 0; i < minutes; ++i) (void)minute();
  }
  const Incident* open_incident() const {
    for (const auto& [id, incident] : engine->incidents())
      if (incident.active) return &incident;
    return nullptr;
  }
  GroupHealth group(std::string_view entity) const {
    for (const GroupHealth& health : engine->survey().groups())
      if (to_string(health.entity) == entity) return health;
    FAIL("no group of that name");
    return {};
  }

  test::Stream stream;
  std::unique_ptr<Engine> engine;
  EntityId service{}, disk{};
  std::vector<SeriesId> series;
  std::uint64_t now = 0;
};

}  // namespace

TEST_CASE("services stand alone, the rest is the host's, the agent is nobody's") {
  Host host;
  host.run(10);
  CHECK(host.engine->survey().groups().size() == 2);
  CHECK(host.group("service:shop.service").series == 3);
  CHECK(host.group("host").series == 1);
  CHECK(host.group("host").score.learning);
  CHECK(host.group("host").complete == 1);
}

TEST_CASE("a service far from what is usual is one incident of its own, in words, and nothing that may be acted on") {
  Host host;
  host.run(3000);
  CHECK(host.open_incident() == nullptr);
  for (int i = 0; i < 5; ++i) (void)host.minute(60);
  const Incident* incident = host.open_incident();
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "service.unusual");
  CHECK(to_string(incident->root) == "service:shop.service");
  CHECK(incident->severity == Severity::info);
  CHECK_FALSE(incident->proof);
  CHECK(incident->signals == 1);
  CHECK(incident->anomalies.at(0).evidence.find("shop.service is not as usual: hostmedic.service.") !=
        std::string::npos);
  CHECK(incident->anomalies.at(0).evidence.find("usually") != std::string::npos);
  CHECK(host.engine->incidents().size() == 1);
  host.run(120);
  CHECK(host.open_incident() == nullptr);
  CHECK(host.group("service:shop.service").suspicions_a_day > 0);
}

TEST_CASE("while it learns nothing is suspected, however far off") {
  Host host;
  host.run(60);
  for (int i = 0; i < 10; ++i) (void)host.minute(60);
  CHECK(host.open_incident() == nullptr);
}

TEST_CASE("a checkpoint carries on where it was, bit by bit; a foreign one is refused") {
  Host one;
  one.run(3000);
  const auto kept = one.engine->checkpoint();
  REQUIRE(kept);
  Host two;
  REQUIRE(two.engine->restore(*kept));
  two.now = one.now;
  // The first reading after a restart has no step to a reading before it: afterwards both say the same.
  two.run(2000);
  one.run(2000);
  CHECK_FALSE(two.group("service:shop.service").score.learning);
  CHECK(two.group("service:shop.service").score.page ==
        doctest::Approx(one.group("service:shop.service").score.page).epsilon(0.01));
  for (int i = 0; i < 5; ++i) (void)two.minute(60);
  CHECK(two.open_incident() != nullptr);
  CHECK_FALSE(Host().engine->restore("not a checkpoint"));
}

TEST_CASE("another stream of the same host goes on with what was learnt") {
  Host host;
  host.run(3000);
  host.stream.restart();
  host.define();
  host.run(5);
  CHECK(host.engine->survey().groups().size() == 2);
  CHECK_FALSE(host.group("service:shop.service").score.learning);
}

TEST_CASE("what is gone for long is forgotten, with its group") {
  Host host;
  host.run(30);
  host.stream.gone(host.service);
  host.series.erase(host.series.begin(), host.series.begin() + 3);
  host.run(5);
  CHECK(host.engine->survey().groups().size() == 2);  // it may come back
  host.run(15);
  CHECK(host.engine->survey().groups().size() == 1);
  CHECK(host.engine->survey().scorer().series_count() == 1);
}

TEST_CASE("people at work: judged, not learnt from") {
  Host host;
  host.run(3000);
  host.engine->hold_learning({{"service:*", wall_from_ns(test::Stream::kEpochNs) + 24h * 30}});
  (void)host.minute();
  CHECK(host.group("service:shop.service").held);
  CHECK_FALSE(host.group("host").held);
  for (int i = 0; i < 600; ++i) (void)host.minute(60);
  CHECK(host.group("service:shop.service").score.suspicious);                         // ten hours later still not usual
  host.engine->hold_learning({{"service:*", wall_from_ns(test::Stream::kEpochNs)}});  // over
  (void)host.minute();
  CHECK_FALSE(host.group("service:shop.service").held);
}

TEST_CASE("learning anew on demand forgets, and keeps quiet meanwhile") {
  Host host;
  host.run(3000);
  CHECK(host.engine->relearn("service:nobody.service") == 0);
  CHECK(host.engine->relearn("service:shop.*") == 1);
  (void)host.minute();
  CHECK(host.group("service:shop.service").score.learning);
  CHECK_FALSE(host.group("host").score.learning);
  for (int i = 0; i < 5; ++i) (void)host.minute(60);
  CHECK(host.open_incident() == nullptr);
}

TEST_CASE("failed readings are counted, silent series are stale") {
  Host host;
  host.run(100);
  for (int i = 0; i < 100; ++i) {
    ++host.now;
    host.stream.sample(host.series[0], std::nullopt);
    host.stream.sample(host.series[1], 1.0);
    (void)host.engine->step(host.stream.cut(60.0 * static_cast<double>(host.now)));
  }
  const GroupHealth service = host.group("service:shop.service");
  CHECK(service.complete == doctest::Approx(0.8));  // 100 of 500 failed
  CHECK(service.stale == 2);
  CHECK(host.group("host").stale == 1);
}

TEST_CASE("a host has so many suspicions a day and no more; what is withheld is counted") {
  EngineConfig config;
  config.scoring.suspicions_per_day = 1;
  config.scoring.interval = 1min;
  config.scoring.warm_up = 2h;
  auto engine = *Engine::make(std::move(config));
  test::Stream stream;
  std::vector<SeriesId> series;
  for (int i = 0; i < 20; ++i)
    series.push_back(
        stream.series(stream.entity(EntityKind::service, std::to_string(i) + ".service"), metric::kServiceTasks));
  for (int minute = 1; minute <= 3010; ++minute) {
    for (std::size_t i = 0; i < series.size(); ++i)
      stream.sample(series[i], 100 + test::noise(i, static_cast<std::uint64_t>(minute)) + (minute > 3000 ? 80 : 0));
    (void)engine->step(stream.cut(60.0 * minute));
  }
  CHECK(engine->incidents().size() == 1);
  CHECK(engine->survey().withheld() == 19);
}

TEST_CASE("each threshold is logged when it is first set, with the reason") {
  Host host;
  host.run(300);
  const auto& changes = host.engine->survey().thresholds().changes();
  REQUIRE(changes.size() == 2);
  CHECK(changes.front().before == 0);
  CHECK(changes.front().after > 0);
  CHECK(changes.front().why.find("at most 1 suspicions a day") != std::string::npos);
}

TEST_CASE("a checkpoint carries on the detectors of rules too") {
  EngineConfig config;
  Rule rule;
  rule.id = "memory-odd";
  rule.metric = metric::kMemoryUtilization.name;
  rule.detector = "zscore";
  rule.incident_kind = "memory.odd";
  config.rules.push_back(rule);
  // Two hours of what is usual, perhaps a restart, then something else for half a minute.
  const auto finds = [&](bool keep) {
    test::Stream stream;
    auto engine = *Engine::make(config);
    const auto feed = [&](int from, int seconds, double value) {
      const SeriesId id = stream.series(stream.entity(EntityKind::host, ""), metric::kMemoryUtilization);
      for (int i = from; i < from + seconds; ++i) {
        stream.sample(id, value + 0.01 * test::noise(1, static_cast<std::uint64_t>(i)));
        (void)engine->step(stream.cut(i));
      }
    };
    feed(1, 7200, 0.3);
    const auto kept = engine->checkpoint();
    REQUIRE(kept);
    engine = *Engine::make(config);
    if (keep) REQUIRE(engine->restore(*kept));
    stream.restart();
    feed(7300, 60, 0.3);
    stream.restart();
    feed(7400, 30, 0.6);
    return !engine->incidents().empty();
  };
  CHECK(finds(true));
  CHECK_FALSE(finds(false));  // it learns for its first hour
}

TEST_CASE("a series that is told under a second id goes on under that one when the first means something else") {
  Host host;
  const SeriesId second = host.stream.series(host.disk, metric::kFilesystemUtilization);
  (void)host.minute();
  const std::size_t before = host.engine->survey().scorer().series_count();
  Frame frame = host.stream.cut(60.5);
  frame.series.push_back({host.series[3], host.service, "other", "", Unit::count, Instrument::gauge});
  (void)host.engine->step(frame);
  host.series[3] = second;
  host.run(60);  // what is told by nobody is forgotten meanwhile
  CHECK(host.engine->survey().scorer().series_count() == before + 1);
  host.stream.gone(host.disk);
  host.series.pop_back();
  host.series.pop_back();
  host.run(60);
  CHECK(host.engine->survey().scorer().series_count() == before);
}
