// SPDX-License-Identifier: Apache-2.0
// The life of what a scorer knows: learning, being held, resting, being saved; thresholds that keep to a budget.
#include <doctest/doctest.h>

#include <algorithm>

#include "detect/calibrate/page_budget.h"
#include "tests/unit/detect/scorer/scorer_world.h"

using namespace hostmedic;
using detect::ModelMode;
using test::ScorerWorld;

namespace {

using Value = std::optional<double>;

const detect::GroupScore& jump(ScorerWorld& world, double by, int steps = 3) {
  for (int i = 0; i < steps; ++i)
    world.step([&](std::size_t series) { return Value(world.ordinary(series) + (series < 2 ? by : 0)); });
  return world.scorer->group(world.group);
}
detect::ModelHealth health_of(const ScorerWorld& world, std::string_view name) {
  const auto all = world.scorer->health();
  const auto found = std::ranges::find(all, name, &detect::ModelHealth::name);
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace

TEST_CASE("nobody is suspicious while it learns, and it says so") {
  ScorerWorld world(4);
  world.run(600);
  CHECK(jump(world, 50).learning);
  CHECK(!jump(world, 80).suspicious);
  CHECK(world.scorer->group(world.group).threshold == 0);
  world.run(1440);
  CHECK(!world.scorer->group(world.group).learning);
  CHECK(world.scorer->group(world.group).threshold > 0);
}

TEST_CASE("what is held is judged but not learnt: an incident of hours does not become usual") {
  ScorerWorld held(4), learning(4);
  for (ScorerWorld* world : {&held, &learning}) world->run(3 * 1440);
  held.scorer->hold(held.group, true);
  for (ScorerWorld* world : {&held, &learning}) jump(*world, 6, 600);
  CHECK(held.scorer->group(held.group).page > 2 * learning.scorer->group(learning.group).page);
  held.scorer->hold(held.group, false);
  held.run(400);
  CHECK(held.scorer->group(held.group).page < 1);
  CHECK(jump(held, 6).suspicious);
}

TEST_CASE("after changes are forgotten the step to the next reading is none") {
  ScorerWorld with(2), without(2);
  for (ScorerWorld* world : {&with, &without}) world->run(2 * 1440);
  with.scorer->forget_changes();
  CHECK(jump(with, 4, 1).rank < jump(without, 4, 1).rank);
}

TEST_CASE("a series that is read once a minute is not punished for the seconds between, nor forgotten") {
  ScorerWorld world(2, std::chrono::seconds(1));
  // The first series each second, the second each minute.
  const auto run = [&](int seconds, double slow_by) {
    for (int i = 0; i < seconds; ++i) {
      world.scorer->set(world.slots[0], world.ordinary(0));
      if (world.now % 60 == 0) world.scorer->set(world.slots[1], world.ordinary(1) + slow_by);
      world.advance();
    }
    return world.scorer->group(world.group);
  };
  CHECK(run(86'400 + 7200, 0).page < 1);
  CHECK(run(180, 30).suspicious);  // it stands until the next reading
  CHECK(world.scorer->group(world.group).top[0].series == world.slots[1]);
  CHECK(run(3600, 0).page < 4);
  for (int i = 0; i < 1000; ++i) {  // it is no longer read at all
    world.scorer->set(world.slots[0], world.ordinary(0));
    world.advance();
  }
  CHECK(world.scorer->evidence(world.slots[1]) == 0);
}

TEST_CASE("what is saved of a series and a group goes on as if nothing had been") {
  ScorerWorld first(3), second(3);
  first.run(3 * 1440);
  detect::StateWriter group;
  first.scorer->save_group(first.group, group);
  for (std::size_t i = 0; i < 3; ++i) {
    detect::StateWriter writer;
    first.scorer->save(first.slots[i], writer);
    detect::StateReader reader(writer.bytes());
    CHECK(second.scorer->load(second.slots[i], reader));
    CHECK(reader.at_end());
  }
  detect::StateReader reader(group.bytes());
  CHECK(second.scorer->load_group(second.group, reader));
  second.now = first.now;
  CHECK(!second.scorer->group(second.group).suspicious);
  second.run(1);
  CHECK(!second.scorer->group(second.group).learning);
  CHECK(jump(second, 30).suspicious);
  CHECK(second.scorer->group(second.group).top[0].series <= second.slots[1]);
}

TEST_CASE("bytes that are no state leave a series that learns anew") {
  ScorerWorld world(2);
  world.run(100);
  detect::StateWriter writer;
  world.scorer->save(world.slots[0], writer);
  std::string bytes = writer.take();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {0, 7}) {
      std::string bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      detect::StateReader reader(bad);
      (void)world.scorer->load(world.slots[0], reader);  // some bits do no harm
      world.run(2);
      REQUIRE(std::isfinite(world.scorer->group(world.group).page));
    }
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    detect::StateReader reader(std::string_view(bytes).substr(0, size));
    REQUIRE(!world.scorer->load(world.slots[0], reader));
  }
  ScorerWorld other(1, std::chrono::seconds(5));  // of another interval
  detect::StateReader reader(bytes);
  CHECK(!other.scorer->load(other.slots[0], reader));
}

TEST_CASE("a model that is off or in the shadow counts for nothing") {
  detect::ScorerConfig config;
  for (const std::string name : {"level", "change", "season", "pca_residual"})
    config.modes.push_back({name, ModelMode::off});
  ScorerWorld off(4, std::chrono::minutes(1), Instrument::gauge, config);
  off.run(2 * 1440);
  CHECK(jump(off, 100).page == 0);
  CHECK(health_of(off, "level").mode == ModelMode::off);
  CHECK(!health_of(off, "level").working);
  config.modes = {{"level", ModelMode::shadow}, {"season", ModelMode::shadow}, {"pca_residual", ModelMode::shadow}};
  ScorerWorld change(4, std::chrono::minutes(1), Instrument::gauge, config);
  change.run(2 * 1440);
  jump(change, 100, 2);
  const float at_jump = change.scorer->group(change.group).page;
  CHECK(at_jump > 8);
  CHECK(jump(change, 100, 600).page < at_jump / 100);  // it lasts, and only the level would see that
  CHECK(health_of(change, "pca_residual").mode == ModelMode::shadow);
}

TEST_CASE("a model that is taken out is silent in the same step, says why, and comes back as new") {
  ScorerWorld world(4);
  world.run(2 * 1440);
  jump(world, 100, 5);
  for (const auto name : {"level", "change", "season", "pca_residual"}) world.scorer->take_out(name, "too slow");
  const float before = world.scorer->group(world.group).rank;
  jump(world, 100, 1);
  CHECK(world.scorer->group(world.group).rank < before);  // what is left only fades
  CHECK(!health_of(world, "level").working);
  CHECK(health_of(world, "level").reason.find("too slow") != std::string::npos);
  world.run(20);  // its rest is ten minutes
  CHECK(health_of(world, "level").working);
  world.run(1440);
  CHECK(jump(world, 200).suspicious);
}

TEST_CASE("the cost that is told from outside is shown") {
  ScorerWorld world(1);
  world.scorer->note_cost("level", 12);
  world.scorer->note_cost("nobody", 5);
  CHECK(health_of(world, "level").cost_ns == 12);
}

TEST_CASE("a group that is often suspicious gets a threshold that keeps to the budget, one rung at a time") {
  detect::ScorerConfig config;
  config.suspicions_per_day = 0.5;
  ScorerWorld world(4, std::chrono::minutes(1), Instrument::gauge, config);
  world.run(3 * 1440);
  const float first = world.scorer->group(world.group).threshold;
  int early = 0, late = 0;
  bool was = false;
  float highest_step = 1, last = first;
  for (int i = 0; i < 20 * 1440; ++i) {
    const bool burst = i % 300 < 4;  // five times a day
    const auto& score = world.step([&](std::size_t series) {
      return Value(world.ordinary(series) +
                   (burst ? 10 * (1 + test::noise(99, static_cast<std::uint64_t>(i / 300))) : 0));
    });
    if (score.suspicious && !was) ++(i < 10 * 1440 ? early : late);
    was = score.suspicious;
    highest_step = std::max(highest_step, score.threshold / last);
    last = score.threshold;
  }
  CHECK(late <= 8);
  CHECK(late <= early);
  CHECK(highest_step <= 1.42F);
  detect::PageBudget strict(0.1, 60), loose(10, 60);
  CHECK(strict.threshold() > loose.threshold());
}
