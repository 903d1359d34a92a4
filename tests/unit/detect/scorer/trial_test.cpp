// SPDX-License-Identifier: Apache-2.0
// Models on trial inside a scorer, and models that fail or cost too much.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/unit/detect/scorer/scorer_world.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

namespace {

ModelHealth health_of(const Scorer& scorer, std::string_view name) {
  for (const ModelHealth& health : scorer.health())
    if (health.name == name) return health;
  FAIL("no model of that name");
  return {};
}

ScorerConfig with(std::string model, ModelMode mode) {
  ScorerConfig config;
  config.modes = {{std::move(model), mode}};
  config.warm_up = 1h;
  return config;
}

Duration slow_clock() {  // every look at it takes 20 ms
  static Duration now{};
  return now += 20ms;
}

}  // namespace

TEST_CASE("every model has a switch, and says how it fares") {
  const auto scorer = *Scorer::make({});
  const auto all = scorer->health();
  REQUIRE(all.size() > 3);
  for (const ModelHealth& model : all) {
    CAPTURE(model.name);
    for (const ModelMode mode : {ModelMode::off, ModelMode::shadow, ModelMode::trial, ModelMode::serving}) {
      auto switched = Scorer::make(with(std::string(model.name), mode));
      REQUIRE(switched);
      CHECK(health_of(**switched, model.name).mode == mode);
      CHECK(health_of(**switched, model.name).working == (mode != ModelMode::off));
    }
  }
  CHECK_FALSE(Scorer::make(with("no_such_model", ModelMode::off)));
}

TEST_CASE("a model that is taken out counts for nothing from that tick on, and comes back anew") {
  for (const std::string model : {"level", "change"}) {
    CAPTURE(model);
    test::ScorerWorld world(4, 1min, Instrument::gauge, with(model, ModelMode::serving));
    test::ScorerWorld without(4, 1min, Instrument::gauge, with(model, ModelMode::off));
    const auto far = [](test::ScorerWorld& of) {
      return of.step([&](std::size_t series) { return std::optional(of.ordinary(series) + 50); }).rank;
    };
    world.run(3000);
    without.run(3000);
    world.scorer->take_out(model, "a test wants it");
    const ModelHealth health = health_of(*world.scorer, model);
    CHECK_FALSE(health.working);
    CHECK(health.reason.find("a test wants it") != std::string::npos);
    const float rank = far(world);
    CHECK(rank >= 0);
    CHECK(rank == doctest::Approx(far(without)).epsilon(0.2));  // as if it were off, but for what it said before
    world.run(11);                                              // the first rest is ten minutes
    CHECK(health_of(*world.scorer, model).working);
  }
}

TEST_CASE("a group model that costs too much is out after three steps; the tick's score goes on") {
  ScorerConfig config = with("pca_residual", ModelMode::serving);
  config.stopwatch = &slow_clock;
  test::ScorerWorld world(6, 1min, Instrument::gauge, config);
  world.run(2);
  CHECK(health_of(*world.scorer, "pca_residual").working);
  world.run(3);
  const ModelHealth health = health_of(*world.scorer, "pca_residual");
  CHECK_FALSE(health.working);
  CHECK(health.reason.find("budget") != std::string::npos);
  CHECK(health.cost_ns > 0);
  world.run(2000);
  const GroupScore& score = world.step([&](std::size_t series) { return std::optional(world.ordinary(series) + 50); });
  CHECK(score.page > 0);  // the rest of detection does not miss it
}

TEST_CASE("group models of one tick are not all of the same group") {
  ScorerConfig config = with("pca_residual", ModelMode::shadow);
  config.interval = 1s;
  auto scorer = *Scorer::make(config);
  std::vector<Slot> slots;
  for (int i = 0; i < 120; ++i) {
    const GroupSlot group = scorer->add_group(static_cast<std::uint64_t>(i));
    slots.push_back(*scorer->add(group, Unit::count, Instrument::gauge));
  }
  CHECK(health_of(*scorer, "pca_residual").bytes > 0);
  for (int step = 1; step <= 120; ++step) {
    for (const Slot slot : slots) scorer->set(slot, 1.0 + step % 7);
    scorer->step(MonoTime(1s * step), WallTime(1s * step));
  }
  CHECK(health_of(*scorer, "pca_residual").working);
}

TEST_CASE("proved incidents are told to the models on trial, wrong alarms too") {
  test::ScorerWorld world(6, 1min, Instrument::gauge, with("pca_residual", ModelMode::trial));
  world.run(3000);
  CHECK(health_of(*world.scorer, "pca_residual").reason.find("shadow: found 0 of 0") != std::string::npos);
  world.scorer->proved(world.group);
  CHECK(health_of(*world.scorer, "pca_residual").reason.find("found 0 of 1") != std::string::npos);
  // Far off: the models that serve say so, and the incident that follows bears them out.
  for (int i = 0; i < 5; ++i)
    world.step([&](std::size_t series) { return std::optional(world.ordinary(series) + 100); });
  CHECK(world.scorer->group(world.group).suspicious);
  world.scorer->proved(world.group);
  const std::string reason = health_of(*world.scorer, "pca_residual").reason;
  CHECK(reason.find("of 2 proved incidents, those that serve 1") != std::string::npos);
  // It stays a shadow for want of evidence.
  CHECK(reason.find("shadow") != std::string::npos);

  StateWriter writer;
  world.scorer->save_models(writer);
  test::ScorerWorld next(6, 1min, Instrument::gauge, with("pca_residual", ModelMode::trial));
  StateReader reader(writer.bytes());
  CHECK(next.scorer->load_models(reader));
  CHECK(health_of(*next.scorer, "pca_residual").reason == reason);
}
