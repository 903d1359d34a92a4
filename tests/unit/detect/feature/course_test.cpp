// SPDX-License-Identifier: Apache-2.0
// Moving means, motion, autocorrelation, the profile of the day, missingness, departures and shapes.
#include <doctest/doctest.h>

#include "detect/feature/autocorrelation.h"
#include "detect/feature/departure.h"
#include "detect/feature/missingness.h"
#include "detect/feature/moving.h"
#include "detect/feature/seasonal_profile.h"
#include "detect/feature/shape_class.h"
#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using test::at_s;
using test::Dice;
using test::kDay;
using test::kHour;
using test::kPi;

TEST_CASE("a moving mean is the mean at first and forgets later, whatever the interval") {
  MovingMean mean;
  for (int i = 1; i <= 10; ++i) mean.step(i, 1, 1000);
  CHECK(mean.mean() == doctest::Approx(5.5));
  for (const double interval : {1.0, 10.0}) {
    MovingMean shifted;
    for (double t = 0; t < 5000; t += interval) shifted.step(0, interval, 1000);
    for (double t = 0; t < 1000; t += interval) shifted.step(1, interval, 1000);
    CHECK(shifted.mean() == doctest::Approx(0.632).epsilon(0.01));
  }
}

TEST_CASE("deviation") {
  MovingVariance variance;
  Dice dice(1);
  for (int i = 0; i < 20000; ++i) variance.step(1e6 + 3 * dice.normal(), 1, 5000);
  CHECK(variance.mean() == doctest::Approx(1e6).epsilon(1e-6));
  CHECK(variance.deviation() == doctest::Approx(3).epsilon(0.05));
}

TEST_CASE("rate of change and acceleration") {
  Motion motion;
  for (int i = 0; i < 2000; ++i) motion.step(0.5 * 0.02 * i * i + 3 * i, 1, 20);
  CHECK(motion.rate() == doctest::Approx(0.02 * 2000 + 3).epsilon(0.05));
  CHECK(motion.acceleration() == doctest::Approx(0.02).epsilon(0.02));
}

TEST_CASE("autocorrelation of noise, of a drift and of a period of 16") {
  Autocorrelation noise, drift, period;
  Dice dice(2);
  double wander = 0;
  for (int i = 0; i < 20000; ++i) {
    noise.step(dice.normal(), 5000);
    wander = 0.99 * wander + dice.normal();
    drift.step(wander, 5000);
    period.step(std::sin(2 * kPi * i / 16) + 0.1 * dice.normal(), 5000);
  }
  for (std::size_t lag = 0; lag < 5; ++lag) CHECK(std::abs(noise.at(lag)) < 0.08);
  CHECK(drift.at(0) == doctest::Approx(0.99).epsilon(0.03));
  CHECK(period.at(4) > 0.9);
  CHECK(period.at(3) < -0.9);
}

TEST_CASE("the profile learns the course of a day, says what it explains, and forgets") {
  SeasonalProfile profile;
  Dice dice(3);
  const auto course = [](double t) { return 10 * std::sin(2 * kPi * t / kDay); };
  for (double t = 0; t < 8 * kDay; t += 60) profile.step(std::fmod(t, 7 * kDay), course(t) + dice.normal(), 60, true);
  CHECK(profile.explained() > 0.95);
  for (double t = 0; t < kDay; t += 1000) CHECK(std::abs(profile.expected(t) - course(t)) < 1);
  for (double t = 8 * kDay; t < 40 * kDay; t += 60) profile.step(std::fmod(t, 7 * kDay), dice.normal(), 60, true);
  for (double t = 0; t < kDay; t += 1000) CHECK(std::abs(profile.expected(t)) < 2.5);
}

TEST_CASE("a day of the week of its own") {
  SeasonalProfile profile;
  Dice dice(4);
  for (double t = 0; t < 35 * kDay; t += 60) {
    const bool sunday = std::fmod(t / kDay, 7) >= 6;
    profile.step(std::fmod(t, 7 * kDay), (sunday ? -12 : 2) + dice.normal(), 60, true);
  }
  CHECK(profile.expected(6.5 * kDay) == doctest::Approx(-12).epsilon(0.25));
  CHECK(profile.expected(2.5 * kDay) == doctest::Approx(2).epsilon(0.5));
}

TEST_CASE("noise has no profile, and what is not learned leaves none") {
  SeasonalProfile noise, unlearned;
  Dice dice(5);
  for (double t = 0; t < 10 * kDay; t += 60) {
    noise.step(std::fmod(t, 7 * kDay), dice.normal(), 60, true);
    unlearned.step(std::fmod(t, 7 * kDay), 10 * std::sin(2 * kPi * t / kDay), 60, false);
  }
  CHECK(noise.explained() < 0.02);
  CHECK(unlearned.expected(kDay / 4) == 0);
}

TEST_CASE("missing and failed readings, and how old the last value is") {
  Missingness missing;
  for (int i = 0; i < 1000; ++i)
    if (i % 10 != 3) missing.step({at_s(10 * i), i % 10 == 7 ? std::nullopt : std::optional(1.0)}, 5000);
  CHECK(missing.interval() == doctest::Approx(10).epsilon(0.05));
  CHECK(missing.share() == doctest::Approx(0.2).epsilon(0.15));
  CHECK(to_seconds(missing.staleness(at_s(10050))) == doctest::Approx(60));
}

TEST_CASE("a spike, a shift and a drift are told apart") {
  const auto told = [](auto deviation, double from, double to) {
    DepartureCourse course;
    Departure last = Departure::none;
    for (int t = 0; t < to; ++t) {
      const double z = deviation(t);
      course.step(z, 1, t >= from && z > 6);
      last = course.kind();
    }
    return last;
  };
  CHECK(told([](int t) { return t >= 1000 ? 20.0 : 0.5; }, 1000, 1060) == Departure::spike);
  CHECK(told([](int t) { return t >= 1000 ? 20.0 : 0.5; }, 1000, 2000) == Departure::level_shift);
  CHECK(told([](int t) { return t >= 1000 ? 0.02 * (t - 1000) : 0.0; }, 1000, 2000) == Departure::trend);
  CHECK(told([](int t) { return t >= 1000 && t < 1030 ? 20.0 : 0.5; }, 1000, 1100) == Departure::none);
}

TEST_CASE("shapes of series") {
  struct Case {
    Shape shape;
    double (*value)(double t, Dice& dice);
  };
  static const Case kCases[] = {
      {Shape::constant, [](double, Dice&) { return 17.0; }},
      {Shape::counter, [](double t, Dice& dice) { return 1e6 + 40 * t + dice.uniform(); }},
      {Shape::leak, [](double t, Dice& dice) { return 1000 + 0.01 * t + 100 * dice.uniform(); }},
      {Shape::bursty,
       [](double, Dice& dice) { return dice.uniform() < 0.05 ? 100 * dice.uniform() : 0.1 * dice.uniform(); }},
      {Shape::periodic, [](double t, Dice& dice) { return 50 + 20 * std::sin(2 * kPi * t / kDay) + dice.normal(); }},
      {Shape::ratio, [](double, Dice& dice) { return 0.3 + 0.2 * dice.uniform(); }},
      {Shape::other, [](double, Dice& dice) { return 300 + 20 * dice.normal(); }},
  };
  for (const Case& each : kCases) {
    CAPTURE(to_string(each.shape));
    ShapeClassifier classifier;
    Dice dice(7);
    CHECK(classifier.shape() == Shape::unknown);
    for (double t = 0; t < 3 * kDay; t += 30) classifier.step(each.value(t, dice), 30, std::fmod(t, 7 * kDay));
    CHECK(to_string(classifier.shape()) == to_string(each.shape));
  }
  CHECK_FALSE(suits(Shape::constant, "seasonal"));
  CHECK(suits(Shape::leak, "leak"));
  CHECK(suits(Shape::unknown, "tail"));
}
