// SPDX-License-Identifier: Apache-2.0
// Condition rules in the engine: incidents with their explanation, quiet, unknown, streams that begin anew.
#include "detect/rules/condition_set.h"

#include <doctest/doctest.h>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using test::only;

namespace {

struct Scene {
  std::unique_ptr<detect::Engine> engine;
  test::Stream stream;
  EntityId host{}, web{};
  SeriesId memory{}, share{};
  double second = 0;

  explicit Scene(std::string when, std::string entity = "*") {
    detect::EngineConfig config;
    detect::ConditionRule rule;
    rule.id = "r";
    rule.when = std::move(when);
    rule.entity = std::move(entity);
    rule.incident_kind = "memory.exhaustion";
    config.condition_rules = {rule};
    engine = test::engine_of(std::move(config));
    define();
  }
  void define() {
    host = stream.entity(EntityKind::host, "");
    web = stream.entity(EntityKind::service, "web.service");
    memory = stream.series(host, metric::kMemoryUtilization);
    share = stream.series(web, metric::kServiceMemoryUtilization);
  }
  detect::Changes tick(std::optional<double> of_host, std::optional<double> of_web) {
    stream.sample(memory, of_host).sample(share, of_web);
    return engine->step(stream.cut(second += 1));
  }
  void ticks(int count, std::optional<double> of_host, std::optional<double> of_web) {
    for (int i = 0; i < count; ++i) (void)tick(of_host, of_web);
  }
};

}  // namespace

TEST_CASE("a condition opens an incident that says why, and closes it") {
  Scene scene("hostmedic.service.memory.utilization > 90% and system.memory.utilization@host > 80% for 3s");
  scene.ticks(5, 0.5, 0.95);
  CHECK(scene.engine->incidents().empty());
  CHECK(scene.engine->condition_count() == 1);
  scene.ticks(5, 0.85, 0.95);
  const Incident* incident = only(*scene.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->root == Entity{EntityKind::service, "web.service"});
  CHECK(incident->kind == "memory.exhaustion");
  REQUIRE(incident->anomalies.size() == 1);
  CHECK(incident->anomalies[0].evidence ==
        "service:web.service: hostmedic.service.memory.utilization 95% > 90% and system.memory.utilization@host 85% > "
        "80% for 4.0s");
  CHECK(incident->anomalies[0].value == doctest::Approx(0.95));
  CHECK(incident->anomalies[0].expected == doctest::Approx(0.9));
  CHECK(incident->fault_at == wall_from_ns(test::Stream::kEpochNs + 6'000'000'000));
  // What is not known neither clears nor fires.
  scene.ticks(60, 0.85, std::nullopt);
  CHECK(only(*scene.engine)->active);
  scene.ticks(20, 0.85, 0.5);
  CHECK_FALSE(only(*scene.engine)->active);
}

TEST_CASE("a condition over all of a kind is about the host") {
  Scene scene("count(hostmedic.service.memory.utilization@\"service:*\" > 90%) >= 1");
  scene.ticks(2, 0.5, 0.95);
  REQUIRE(only(*scene.engine) != nullptr);
  CHECK(only(*scene.engine)->root == Entity{});
}

TEST_CASE("the pattern over the entity is kept") {
  Scene scene("hostmedic.service.memory.utilization > 90%", "service:db*");
  scene.ticks(5, 0.5, 0.95);
  CHECK(scene.engine->condition_count() == 0);
  CHECK(scene.engine->incidents().empty());
}

TEST_CASE("a stream that begins anew keeps the incident until its series speak") {
  Scene scene("hostmedic.service.memory.utilization > 90%");
  scene.ticks(5, 0.5, 0.95);
  const std::string id = only(*scene.engine)->id;
  scene.stream.restart();
  scene.define();
  (void)scene.engine->step(scene.stream.cut(scene.second += 1));
  CHECK(only(*scene.engine)->active);
  scene.ticks(3, 0.5, 0.96);
  CHECK(only(*scene.engine)->id == id);
  CHECK(only(*scene.engine)->active);
  scene.ticks(10, 0.5, 0.5);
  CHECK_FALSE(only(*scene.engine)->active);
}

TEST_CASE("an entity that is retired takes its conditions with it") {
  Scene scene("hostmedic.service.memory.utilization > 90% and system.memory.utilization@host > 10%");
  scene.ticks(5, 0.5, 0.95);
  scene.stream.gone(scene.web);
  for (int i = 0; i < 15; ++i) {
    scene.stream.sample(scene.memory, 0.5);
    (void)scene.engine->step(scene.stream.cut(scene.second += 1));
  }
  CHECK(scene.engine->condition_count() == 0);
  CHECK_FALSE(only(*scene.engine)->active);
}

TEST_CASE("of two entities of one name, and of series that nobody looked at yet, either may go") {
  Scene scene("hostmedic.service.memory.utilization > 90% and system.memory.utilization@host > 10%", "service:web*");
  const auto twin = scene.stream.entity(EntityKind::service, "web.service");
  const auto twins = scene.stream.series(twin, metric::kServiceMemoryUtilization);
  scene.ticks(3, 0.5, 0.95);
  scene.stream.gone(scene.web).sample(twins, 0.95);
  (void)scene.engine->step(scene.stream.cut(scene.second += 1));
  scene.stream.sample(twins, 0.95).sample(scene.memory, 0.5);
  (void)scene.engine->step(scene.stream.cut(scene.second += 1));

  Scene nobody("hostmedic.service.memory.utilization > 90% and system.memory.utilization@host > 10%", "service:db*");
  nobody.ticks(3, 0.5, 0.95);
  nobody.stream.gone(nobody.host).gone(nobody.web);
  (void)nobody.engine->step(nobody.stream.cut(nobody.second += 1));
  CHECK(nobody.engine->condition_count() == 0);
}

TEST_CASE("a condition that cannot be read is refused with its column") {
  detect::EngineConfig config;
  detect::ConditionRule rule;
  rule.id = "r";
  rule.incident_kind = "k";
  rule.when = "system.uptime > 64MiB";
  config.condition_rules = {rule};
  CHECK(detect::Engine::make(config).error().message() ==
        "rule 'r': when: column 15: seconds and bytes do not go together");
  config.condition_rules[0].when = "system.uptime > 64s";
  config.condition_rules[0].incident_kind = "";
  CHECK_FALSE(detect::Engine::make(config).has_value());
}
