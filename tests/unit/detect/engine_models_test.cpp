// SPDX-License-Identifier: Apache-2.0
// Learning models inside the engine: what they say in an incident, and what they are kept from learning.
#include <doctest/doctest.h>

#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using test::Dice;
using test::Stream;

namespace {

// One series of the host and one rule with a quick robust_zscore on it.
struct Watched {
  std::unique_ptr<detect::Engine> engine;
  Stream stream;
  SeriesId memory{};
  Dice dice{1};
  double second = 0;

  explicit Watched(Severity severity) {
    detect::EngineConfig config;
    detect::Rule rule;
    rule.id = "memory-odd";
    rule.metric = metric::kMemoryUtilization.name;
    rule.detector = "robust_zscore";
    rule.params = {{"warmup", 600}, {"memory", 1200}, {"adopt", 86400}};
    rule.incident_kind = "memory.exhaustion";
    rule.severity = severity;
    config.rules.push_back(rule);
    engine = test::engine_of(std::move(config));
    memory = stream.series(stream.entity(EntityKind::host, ""), metric::kMemoryUtilization);
  }
  void run(int seconds, double level) {
    for (int i = 0; i < seconds; ++i) {
      stream.sample(memory, level + 0.01 * dice.normal());
      (void)engine->step(stream.cut(second += 1));
    }
  }
};

bool says(const Incident& incident, std::string_view text) {
  return incident.anomalies.front().evidence.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("the evidence says how it departs, and says more when more is known") {
  Watched watched(Severity::warning);
  watched.run(2000, 0.3);
  CHECK(watched.engine->incidents().empty());
  watched.run(30, 0.6);
  const Incident* incident = test::only(*watched.engine);
  REQUIRE(incident != nullptr);
  CHECK(says(*incident, "expected is 30%: far from the median of what was seen (it jumped)"));
  const auto revision = incident->revision;
  watched.run(400, 0.6);
  CHECK(says(*incident, "(it jumped and stays)"));
  CHECK(incident->revision <= revision + 1);
}

TEST_CASE("what an incident shows is not learned as usual, and what nobody treats is") {
  Watched grave(Severity::warning), passing(Severity::info);
  for (Watched* watched : {&grave, &passing}) {
    watched->run(2000, 0.3);
    watched->run(4000, 0.6);
  }
  REQUIRE(test::only(*grave.engine) != nullptr);
  CHECK(test::only(*grave.engine)->active);
  REQUIRE(test::only(*passing.engine) != nullptr);
  CHECK_FALSE(test::only(*passing.engine)->active);
}

TEST_CASE("while people work here nothing is learned") {
  Watched held(Severity::info);
  held.run(2000, 0.3);
  held.engine->hold_learning({{"host*", wall_from_ns(Stream::kEpochNs) + std::chrono::hours(24)}});
  held.run(4000, 0.6);
  REQUIRE(test::only(*held.engine) != nullptr);
  CHECK(test::only(*held.engine)->active);
}

TEST_CASE("a filesystem that will be full in days is an incident of the shipped rules, with the time that is left") {
  const auto engine = test::engine_of();
  Stream stream;
  const SeriesId level = stream.series(stream.entity(EntityKind::filesystem, "/srv"), metric::kFilesystemUtilization);
  double opened = 0;
  for (int minute = 0; minute < 4 * 1440 && opened == 0; ++minute) {
    stream.sample(level, 0.2 + 0.1 * minute / 1440);
    if (!engine->step(stream.cut(60.0 * minute)).opened.empty()) opened = minute / 1440.0;
  }
  CHECK(opened > 1);
  CHECK(opened < 2.5);
  const Incident* incident = test::only(*engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "filesystem.filling");
  CHECK(incident->severity == Severity::warning);
  CHECK(incident->anomalies.front().rule == "filesystem-slow-fill");
  CHECK(says(*incident, "its low points keep rising: 100% in 6d"));
}
