// SPDX-License-Identifier: Apache-2.0
#include "detect/scorer.h"

#include <doctest/doctest.h>

#include "tests/unit/detect/allocations.h"
#include "tests/unit/detect/scorer/scorer_world.h"

using namespace hostmedic;
using detect::Aspect;
using test::ScorerWorld;

TEST_CASE("the scorer refuses unknown models and values out of range") {
  detect::ScorerConfig config;
  config.modes = {{"wizard", detect::ModelMode::serving}};
  CHECK(!detect::Scorer::make(config));
  config = {};
  config.suspicions_per_day = 0;
  CHECK(!detect::Scorer::make(config));
  config = {};
  config.interval = Duration::zero();
  CHECK(!detect::Scorer::make(config));
}

TEST_CASE("a jump of three of ten series is suspicious at once, and those three are named first") {
  ScorerWorld world(10);
  world.run(3 * 1440);
  CHECK(world.scorer->group(world.group).page < 1);
  CHECK(!world.scorer->group(world.group).learning);
  int steps = 0;
  const detect::GroupScore* score = nullptr;
  do {
    score = &world.step([&](std::size_t i) { return std::optional(world.ordinary(i) + (i >= 4 && i < 7 ? 12 : 0)); });
  } while (!score->suspicious && ++steps < 10);
  CHECK(steps < 3);
  CHECK(score->probability >= 0.5F);
  REQUIRE(score->contributions >= 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(score->top[i].series >= world.slots[4]);
    CHECK(score->top[i].series <= world.slots[6]);
    CHECK(score->top[i].direction == Direction::above);
    CHECK(score->top[i].value - score->top[i].expected == doctest::Approx(12).epsilon(0.2));
  }
  CHECK(world.scorer->evidence(world.slots[5]) > 10 * world.scorer->evidence(world.slots[0]));
}

TEST_CASE("scores do not depend on units: each series times a factor and plus an offset") {
  ScorerWorld plain(4), scaled(4);
  const double factors[] = {1e-6, 3, 2e4, 5e9}, offsets[] = {1, -30, 1e4, 2e10};
  float worst = 0;
  for (int i = 0; i < 3000; ++i) {
    const double bump = i > 2500 && i < 2530 ? 5 : 0;
    const auto value = [&](std::size_t series) {
      return test::noise(series, static_cast<std::uint64_t>(i)) + (series == 1 ? bump : 0);
    };
    const float a = plain.step([&](std::size_t s) { return std::optional(value(s)); }).probability;
    const float b =
        scaled.step([&](std::size_t s) { return std::optional(value(s) * factors[s] + offsets[s]); }).probability;
    worst = std::max(worst, std::abs(a - b));
  }
  CHECK(worst < 0.005F);
  CHECK(plain.scorer->group(plain.group).rank >= 0);
}

TEST_CASE("what comes later changes nothing: a stream cut anywhere has the same scores bit by bit") {
  const auto value = [](std::size_t series, int step) {
    return test::noise(series, static_cast<std::uint64_t>(step)) + (step % 700 > 690 ? 6 : 0);
  };
  std::vector<float> whole;
  ScorerWorld all(5);
  for (int i = 0; i < 4000; ++i)
    whole.push_back(all.step([&](std::size_t s) { return std::optional(value(s, i)); }).page);
  for (const int cut : {1, 17, 699, 1441, 2903}) {
    ScorerWorld part(5);
    bool same = true;
    for (int i = 0; i < cut; ++i)
      same &= part.step([&](std::size_t s) { return std::optional(value(s, i)); }).page ==
              whole[static_cast<std::size_t>(i)];
    CHECK(same);
  }
}

TEST_CASE("a step allocates nothing") {
  ScorerWorld world(300, std::chrono::seconds(1));
  world.run(100);
  CHECK(test::allocations_in([&] { world.run(4000); }) == 0);  // over the turn of an hour
}
