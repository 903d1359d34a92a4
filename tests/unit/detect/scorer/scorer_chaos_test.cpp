// SPDX-License-Identifier: Apache-2.0
// What hosts do to a scorer: readings that are none, clocks that jump, series that come and go, shifts that stay.
#include <doctest/doctest.h>

#include <limits>

#include "tests/unit/detect/scorer/scorer_world.h"

using namespace hostmedic;
using test::ScorerWorld;

namespace {

using Value = std::optional<double>;

// Suspicions that began within so many steps.
template <class Of>
int suspicions(ScorerWorld& world, int steps, Of value) {
  int began = 0;
  bool was = world.scorer->group(world.group).suspicious;
  for (int i = 0; i < steps; ++i) {
    const bool now = world.step([&](std::size_t series) { return Value(value(series, i)); }).suspicious;
    began += now && !was ? 1 : 0;
    was = now;
  }
  return began;
}

bool all_finite(const detect::GroupScore& score) {
  return std::isfinite(score.page) && std::isfinite(score.rank) && std::isfinite(score.probability) &&
         std::isfinite(score.onset) && score.probability >= 0 && score.probability <= 1;
}

}  // namespace

TEST_CASE("NaN, infinities, absurd and missing values are no news, and hurt nobody") {
  ScorerWorld world(6);
  world.run(2 * 1440);
  const double odd[] = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(), 1e300, -1e19};
  bool finite = true, quiet = true;
  for (int i = 0; i < 500; ++i) {
    const auto& score = world.step([&](std::size_t series) {
      if (series == 0) return Value(odd[i % 5]);
      if (series == 1 && i % 2 == 0) return Value();
      return Value(world.ordinary(series));
    });
    finite &= all_finite(score);
    quiet &= !score.suspicious;
  }
  CHECK(finite);
  CHECK(quiet);
  for (int i = 0; i < 600; ++i) world.advance();  // a block without anything
  CHECK(world.scorer->group(world.group).page < 1);
  CHECK(suspicions(world, 300, [&](std::size_t series, int) { return world.ordinary(series); }) == 0);
}

TEST_CASE("a constant is silent; the reading after it left its value is not") {
  ScorerWorld world(1);
  for (int i = 0; i < 2 * 1440; ++i) world.step([](std::size_t) { return Value(7); });
  CHECK(world.scorer->group(world.group).page == 0);
  for (int i = 0; i < 5; ++i) world.step([](std::size_t) { return Value(8); });
  CHECK(world.scorer->group(world.group).suspicious);
}

TEST_CASE("a counter that begins anew, and a gap, are no burst") {
  ScorerWorld world(3, std::chrono::minutes(1), Instrument::counter);
  double total = 1e12;
  const auto count = [&](std::size_t series, int) {
    if (series == 0) total += 6000 + 600 * test::noise(1, static_cast<std::uint64_t>(world.now));
    return total;
  };
  CHECK(suspicions(world, 3 * 1440, count) == 0);
  total = 0;  // a restart
  CHECK(suspicions(world, 300, count) == 0);
  for (int i = 0; i < 30; ++i) world.advance();
  total += 200'000;  // it went on counting
  CHECK(suspicions(world, 300, count) == 0);
  // A burst is one: ten times as much.
  int began = 0;
  bool was = false;
  for (int i = 0; i < 20; ++i) {
    total += 54'000;
    const bool now = world.step([&](std::size_t series) { return Value(count(series, 0)); }).suspicious;
    began += now && !was ? 1 : 0;
    was = now;
  }
  CHECK(began == 1);
}

TEST_CASE("frames that come twice or late change nothing") {
  ScorerWorld once(3), twice(3);
  once.run(2000);
  for (int i = 0; i < 2000; ++i) {
    twice.run(1);
    for (const auto slot : twice.slots) twice.scorer->set(slot, 1e6);
    const auto late = twice.now - i % 3;
    twice.scorer->step(MonoTime(twice.config.interval * late), WallTime(twice.config.interval * late));
  }
  CHECK(once.scorer->group(once.group).page == twice.scorer->group(twice.group).page);
  CHECK(once.scorer->evidence(once.slots[1]) == twice.scorer->evidence(twice.slots[1]));
}

TEST_CASE("the clock of the day may jump: the profile of the day is muddled, no alarm comes of it") {
  ScorerWorld world(4);
  world.run(3 * 1440);
  int began = 0;
  for (int i = 0; i < 600; ++i) {
    for (const auto slot : world.slots) world.scorer->set(slot, world.ordinary(slot));
    ++world.now;
    world.scorer->step(MonoTime(world.config.interval * world.now),
                       wall_from_ns(to_ns(WallTime{}) + i % 50 * 7'200'000'000'000));
    began += world.scorer->group(world.group).suspicious ? 1 : 0;
  }
  CHECK(began == 0);
}

TEST_CASE("a unit that changes by a thousand is one suspicion, and is usual a day later") {
  ScorerWorld world(8);
  world.run(4 * 1440);
  const auto changed = [&](std::size_t series, int) { return world.ordinary(series) * (series == 2 ? 1000 : 1); };
  CHECK(suspicions(world, 1440, changed) == 1);
  CHECK(suspicions(world, 1440, changed) == 0);
  CHECK(!world.scorer->group(world.group).suspicious);
}

TEST_CASE("a shift that stays is one suspicion at most, and the new normal after a day") {
  for (const double by : {3.0, 100.0, -40.0}) {
    ScorerWorld world(5);
    world.run(5 * 1440);
    const auto shifted = [&](std::size_t series, int) { return world.ordinary(series) + (series < 2 ? by : 0); };
    CHECK(suspicions(world, 1440, shifted) <= 1);
    (void)suspicions(world, 200, shifted);  // the day is over, and the smoothing after it
    CHECK(!world.scorer->group(world.group).suspicious);
    CHECK(suspicions(world, 1440, shifted) == 0);
  }
}

TEST_CASE("a slow ramp does not stay unseen, however slow its step") {
  ScorerWorld world(1);
  world.run(4 * 1440);
  // A hundredth of the noise per minute: no step and no difference to yesterday's minute shows it.
  CHECK(suspicions(world, 1440, [&](std::size_t series, int i) { return world.ordinary(series) + 0.01 * i; }) >= 1);
}

TEST_CASE("probing the threshold from below: what is often nearly suspicious becomes usual, a real jump still shows") {
  ScorerWorld world(6);
  world.run(4 * 1440);
  for (int i = 0; i < 3 * 1440; ++i)
    world.step(
        [&](std::size_t series) { return Value(world.ordinary(series) + (i % 20 == 0 && series == 0 ? 3 : 0)); });
  CHECK(suspicions(world, 30,
                   [&](std::size_t series, int) { return world.ordinary(series) + (series < 3 ? 30 : 0); }) == 1);
}

TEST_CASE("ten thousand series appear and vanish: bounded, and those that stay do not notice") {
  ScorerWorld world(4, std::chrono::seconds(60));
  world.run(2 * 1440);
  const auto crowd = world.scorer->add_group();
  const std::size_t before = world.scorer->bytes_used();
  std::size_t after_first = 0;
  bool quiet = true;
  for (int round = 0; round < 3; ++round) {
    std::vector<detect::Slot> many;
    for (int i = 0; i < 10'000; ++i) many.push_back(*world.scorer->add(crowd, Unit::count, Instrument::gauge));
    CHECK(world.scorer->series_count() == 10'004);
    for (int i = 0; i < 20; ++i) {
      for (const auto slot : many) world.scorer->set(slot, static_cast<double>(slot % 97) + i);
      world.run(1);
      quiet &= !world.scorer->group(world.group).suspicious;
    }
    for (const auto slot : many) world.scorer->remove(slot);
    if (round == 0) after_first = world.scorer->bytes_used();
  }
  CHECK(quiet);
  CHECK(world.scorer->series_count() == 4);
  CHECK(world.scorer->bytes_used() == after_first);
  CHECK(after_first > before);
  world.scorer->remove_group(crowd);
  CHECK(world.scorer->group(world.group).page < 1);
}

TEST_CASE("no series past the bound") {
  ScorerWorld world(0);
  for (std::size_t i = 0; i < kMostSeries; ++i) REQUIRE(world.scorer->add(world.group, Unit::count, Instrument::gauge));
  CHECK(!world.scorer->add(world.group, Unit::count, Instrument::gauge));
}
