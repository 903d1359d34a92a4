// SPDX-License-Identifier: Apache-2.0
// What the engine makes of streams that begin anew, lose frames, forget entities, or say the same twice.
#include "detect/engine.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>

#include "agent/base/text.h"
#include "tests/unit/detect/engine_host.h"

using namespace hostmedic;
using detect::Engine;
using test::at_s;
using test::Host;
using test::kNginx;
using test::kSrv;
using test::only;
using test::Stream;

TEST_CASE("a new stream keeps the incidents: absent is not quiet") {
  Host host;
  host.used = 0.98;
  host.unit("failed").tick();
  host.ticks(20);
  REQUIRE(host.engine->incidents().size() == 2);
  std::vector<std::string> ids;
  for (const auto& [id, incident] : host.engine->incidents()) ids.push_back(id);

  host.stream.restart();  // and for a while it says nothing of them
  for (int i = 0; i < 100; ++i) CHECK(host.engine->step(host.stream.cut(host.second += 1)).cleared.empty());
  CHECK(host.engine->host().entity_count() == 0);
  CHECK(host.engine->detector_count() == 0);

  host.stream.restart();
  (void)host.stream.entity(EntityKind::service, "other.service");
  host.define();
  host.unit("failed", "1").tick();
  host.ticks(10);
  CHECK(host.engine->incidents().size() == 2);
  for (const std::string& id : ids) CHECK(host.engine->incidents().at(id).active);
  for (const auto& [id, incident] : host.engine->incidents())
    CHECK(incident.anomalies[0].evidence.find("found in this state") == std::string::npos);  // it was seen to fail

  host.used = 0.3;
  host.unit("active");
  host.ticks(20);
  for (const std::string& id : ids) CHECK_FALSE(host.engine->incidents().at(id).active);
}

TEST_CASE("a failed unit that is at rest in the new stream is not listed there, and clears") {
  Host host;
  host.unit("failed").tick();
  host.stream.restart();
  const auto other = host.stream.entity(EntityKind::service, "other.service");
  host.stream.event(EventKind::unit_state, other, {{attr::kUnitActiveState, "active"}, {attr::kUnitInitial, "1"}});
  for (int i = 0; i < 29; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
  CHECK(only(*host.engine)->active);
  for (int i = 0; i < 3; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
  CHECK_FALSE(only(*host.engine)->active);
}

TEST_CASE("an adopted incident is joined by its signals under the same id") {
  Host before;
  before.used = 0.98;
  before.ticks(20);
  REQUIRE(only(*before.engine) != nullptr);
  const Incident stored = *only(*before.engine);

  SUBCASE("they are back") {
    Host after;
    after.engine->adopt(stored);
    after.second = 100;
    after.used = 0.98;
    for (int i = 0; i < 20; ++i) {
      const auto changes = after.tick();
      CHECK(changes.opened.empty());
      CHECK(changes.cleared.empty());
    }
    REQUIRE(only(*after.engine) != nullptr);
    CHECK(only(*after.engine)->id == stored.id);
    CHECK(only(*after.engine)->active);
    CHECK(only(*after.engine)->fault_at == stored.fault_at);
  }
  SUBCASE("they are quiet") {
    Host after;
    after.engine->adopt(stored);
    after.second = 100;
    after.ticks(15);
    REQUIRE(only(*after.engine) != nullptr);
    CHECK_FALSE(only(*after.engine)->active);
  }
  SUBCASE("nobody speaks of them") {
    auto engine = test::engine_of();
    engine->adopt(stored);
    Stream stream;
    CHECK(engine->step(stream.cut(100)).cleared.empty());
    CHECK(engine->step(stream.cut(104)).cleared.empty());
    CHECK(engine->step(stream.cut(105)).cleared == std::vector<std::string>{stored.id});
  }
  SUBCASE("its rules are no more") {
    auto engine = *Engine::make({});
    engine->adopt(stored);
    Stream stream;
    CHECK(engine->step(stream.cut(100)).cleared.empty());
    CHECK(engine->step(stream.cut(105)).cleared.size() == 1);
  }
}

TEST_CASE("a removed filesystem has no incident any more, a blink is no removal") {
  Host host;
  host.used = 0.98;
  host.ticks(20);
  (void)host.engine->step(host.stream.gone(host.srv).cut(host.second += 1));
  for (int i = 0; i < 5; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
  CHECK(only(*host.engine)->active);
  SUBCASE("gone") {
    for (int i = 0; i < 10; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
    CHECK_FALSE(only(*host.engine)->active);
  }
  SUBCASE("back") {
    host.srv = host.stream.entity(EntityKind::filesystem, "/srv");
    host.level = host.stream.series(host.srv, metric::kFilesystemUtilization);
    host.ticks(20);
    CHECK(only(*host.engine)->active);
  }
}

TEST_CASE("lost frames are counted, old ones ignored and counted") {
  Host host;
  host.ticks(3);
  host.stream.lose(4);
  host.tick();
  CHECK(host.engine->lost_frames() == 4);
  host.unit("failed");
  (void)host.engine->step(host.stream.cut(1));  // time goes back
  CHECK(host.engine->ignored_frames() == 1);
  CHECK(host.engine->incidents().empty());
  CHECK(host.engine->host().mono() == at_s(4));
  host.stream.restart();
  host.define();
  (void)host.engine->step(host.stream.cut(2));  // so does a whole new stream: its ids are not taken for the old ones
  CHECK(host.engine->host().entity_count() == 0);
  CHECK(host.engine->ignored_frames() == 2);
}

TEST_CASE("the same frames give the same incidents, byte for byte") {
  const auto run = [] {
    Host host;
    std::string text;
    for (int t = 0; t < 120; ++t) {
      host.used = t < 30 ? 0.5 : std::min(1.0, 0.5 + 0.01 * (t - 30));
      if (t % 5 == 0) host.growth();
      if (t == 40) host.unit("failed");
      if (t == 60) host.unit("active");
      for (const auto& ids : {host.tick()})
        text += join(ids.opened, ",") + "|" + join(ids.updated, ",") + "|" + join(ids.cleared, ",") + "\n";
      for (const auto& [id, incident] : host.engine->incidents()) text += test::dump(incident);
    }
    return text;
  };
  const std::string once = run();
  CHECK(once.size() > 1000);
  CHECK(once == run());
}

TEST_CASE("ids differ between hosts and moments, fingerprints do not") {
  const auto open = [](std::uint64_t seed, int wait) {
    detect::EngineConfig config = detect::default_engine_config();
    config.host_seed = seed;
    Host host;
    host.engine = *Engine::make(std::move(config));
    host.ticks(wait);
    host.unit("failed").tick();
    return *only(*host.engine);
  };
  const Incident a = open(1, 1), b = open(2, 1), c = open(1, 9);
  CHECK(a.id.size() == 16);
  CHECK(a.id != b.id);
  CHECK(a.id != c.id);
  CHECK(a.fingerprint == b.fingerprint);
  CHECK(a.fingerprint == c.fingerprint);
}

TEST_CASE("any order of definitions, retirements, samples and events is borne, and twice the same") {
  const auto run = [] {
    std::mt19937 random(99);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    const std::string_view states[] = {"failed", "active", "inactive", "activating"};
    auto engine = test::engine_of();
    std::uint64_t hash = fnv1a("");
    for (std::uint64_t i = 0; i < 4000; ++i) {
      Frame frame;
      frame.first = below(200) == 0;
      frame.sequence = i;
      frame.mono = at_s(static_cast<double>(i) * 0.5 - below(3));
      frame.wall = wall_from_ns(to_ns(frame.mono) + Stream::kEpochNs);
      for (auto n = below(2); n > 0; --n) frame.gone.push_back(EntityId{below(12)});
      for (auto n = below(3); n > 0; --n)
        frame.entities.push_back(
            {EntityId{below(12)}, {static_cast<EntityKind>(below(kEntityKindCount)), std::to_string(below(4))}});
      for (auto n = below(4); n > 0; --n) {
        const MetricInfo& info = *metric::all()[below(static_cast<std::uint32_t>(metric::all().size()))];
        frame.series.push_back({SeriesId{below(40)}, EntityId{below(14)}, std::string(info.name),
                                below(3) == 0 ? "kind=full,resource=io" : "", info.unit, info.instrument});
      }
      for (auto n = below(60); n > 0; --n) {
        Sample sample{SeriesId{below(42)}, std::nullopt};
        if (below(5) != 0) sample.value = std::pow(10.0, static_cast<double>(below(22)) - 3) * (below(2) == 0 ? 1 : -1);
        frame.samples.push_back(sample);
      }
      for (auto n = below(4); n > 0; --n) {
        const std::string unit = std::to_string(below(4));
        frame.events.push_back({static_cast<EventKind>(below(kEventKindCount)),
                                EntityId{below(14)},
                                frame.mono,
                                {{std::string(attr::kUnitActiveState), std::string(states[below(4)])},
                                 {std::string(attr::kUnitInitial), std::to_string(below(2))},
                                 {std::string(attr::kUnitRestarts), std::to_string(below(100))},
                                 {std::string(attr::kProcessUnit), unit},
                                 {std::string(attr::kProcessExitSignal), "11"},
                                 {std::string(attr::kWriterUnit), unit},
                                 {std::string(attr::kFileGrowthShare), "0.7"}}});
      }
      const auto changes = engine->step(frame);
      for (const auto& id : changes.opened) hash = fnv1a(test::dump(engine->incidents().at(id)), hash);
      for (const auto& id : changes.updated) hash = fnv1a(test::dump(engine->incidents().at(id)), hash);
      for (const auto& id : changes.cleared) {
        hash = fnv1a(test::dump(engine->incidents().at(id)), hash);
        if (below(2) == 0) engine->forget(id);
      }
      if (below(500) == 0 && !engine->incidents().empty()) {
        const Incident taken = engine->incidents().begin()->second;
        engine = test::engine_of();
        engine->adopt(taken);
      }
    }
    CHECK(engine->bytes_used() < 2 << 20);
    return hash;
  };
  CHECK(run() == run());
}
