// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::State;

namespace {

constexpr double kPeriod = 60;

}  // namespace

TEST_CASE("a leak of memory below a busy daily course is known after a day and a bit, with the time that is left") {
  const auto detector = detector_of(detect::leak, {{"full", 8e9}});
  Dice dice(1);
  const auto usage = [&](double t) {  // 2 GB, 1 GB of load by day, and 20 MB an hour that nobody gives back
    return 2e9 + 5e8 * (1 + std::sin(2 * kPi * t / kDay)) + 3e8 * dice.uniform() + 20e6 * t / kHour;
  };
  const Told told = run(*detector, 0, 7 * kDay, kPeriod, usage);
  REQUIRE(told.starts.size() == 1);
  CHECK(told.starts[0] >= 29 * kHour);
  CHECK(told.starts[0] <= 5.6 * kDay);  // a week before it is full, if it were known exactly
  CHECK(told.last.departure == detect::Departure::trend);
  CHECK(told.last.direction == Direction::above);
  CHECK(told.last.expected == 8e9);
  const double left = (8e9 - 2e9 - 20e6 * 7 * 24) / 20e6 * kHour;  // from the low points
  CHECK(told.last.score == doctest::Approx(left).epsilon(0.4));
}

TEST_CASE("the healthy twins of a leak do not fire") {
  struct Twin {
    std::string_view name;
    double (*value)(double t, Dice& dice);
  };
  static const Twin kTwins[] = {
      {"only the course of the day",
       [](double t, Dice& dice) { return 100 + 40 * std::sin(2 * kPi * t / kDay) + dice.normal(); }},
      {"noise", [](double, Dice& dice) { return 100 + 10 * dice.normal(); }},
      {"one step", [](double t, Dice& dice) { return (t > 2.5 * kDay ? 160 : 100) + dice.normal(); }},
      {"a cache that fills and stops",
       [](double t, Dice& dice) { return 100 + 400 * (1 - std::exp(-t / (5 * kHour))) + dice.normal(); }},
      {"a leak that is restarted every night", [](double t, Dice&) { return 100 + std::fmod(t, kDay) / 300; }},
      {"collected garbage", [](double t, Dice&) { return 100 + std::fmod(t, 1800) / 10; }},
      {"a growth too slow to matter", [](double t, Dice& dice) { return 1000 + t / kDay + dice.normal(); }},
  };
  for (const Twin& twin : kTwins) {
    CAPTURE(twin.name);
    const auto detector = detector_of(detect::leak);
    Dice dice(2);
    CHECK(run(*detector, 0, 14 * kDay, kPeriod, [&](double t) { return twin.value(t, dice); }).starts.empty());
  }
}

TEST_CASE("without a limit it fires on what will have doubled, and a restart ends it") {
  const auto detector = detector_of(detect::leak);
  Dice dice(3);
  const auto growing = [&](double t) { return std::floor(200 + 4 * t / kHour + 20 * dice.uniform()); };
  const Told told = run(*detector, 0, 3 * kDay, kPeriod, growing);
  REQUIRE(told.starts.size() == 1);
  CHECK(*told.last.expected == doctest::Approx(2 * 290).epsilon(0.3));  // twice the oldest low point that is kept
  const Told after = run(*detector, 3 * kDay, 4 * kDay, kPeriod, [&](double t) { return growing(t - 3 * kDay); });
  CHECK(after.firing * kPeriod <= 300);
  CHECK(after.last.state == State::unknown);
  CHECK(after.last.reason == "learning: a day of low points is needed");
}

TEST_CASE("an amount that is left falls towards its end") {
  const auto detector = detector_of(detect::leak, {{"full", 0}, {"direction", -1}});
  const Told told = run(*detector, 0, 4 * kDay, kPeriod, [](double t) { return 10 * kDay - t; });
  REQUIRE(told.starts.size() == 1);
  CHECK(told.starts[0] == doctest::Approx(3 * kDay).epsilon(0.05));  // a week before
  CHECK(told.last.direction == Direction::below);
  CHECK(told.last.score == doctest::Approx(6 * kDay).epsilon(0.05));
}
