// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "detect/feature/level_scale.h"
#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using detect::LevelScale;
using detect::QuantileSketch;
using test::Dice;

TEST_CASE("quantiles are in the right bin, on any scale and on both sides of zero") {
  for (const double scale : {1e-9, 1.0, 1e12}) {
    CAPTURE(scale);
    QuantileSketch sketch;
    std::vector<double> values;
    Dice dice(1);
    for (int i = 0; i < 20000; ++i) {
      values.push_back(scale * (dice.normal() + (i % 3 == 0 ? std::exp(2 * dice.normal()) : 0)));
      sketch.add(values.back());
    }
    std::ranges::sort(values);
    for (const double q : {0.001, 0.02, 0.25, 0.75, 0.98, 0.999}) {
      CAPTURE(q);
      const double exact = values[static_cast<std::size_t>(q * 20000)];
      CHECK(std::abs(sketch.quantile(q) - exact) <= 0.42 * std::abs(exact));
      CHECK(std::abs(sketch.quantile(q) - exact) <= 0.15 * std::abs(exact) + 0.02 * scale);  // as a rule
    }
    CHECK(sketch.weight() == doctest::Approx(20000));
  }
}

TEST_CASE("an empty sketch and one of zeros") {
  QuantileSketch sketch;
  CHECK(sketch.quantile(0.5) == 0);
  CHECK(sketch.quantile_of_distance(0.5) == 0);
  for (int i = 0; i < 100; ++i) sketch.add(0);
  sketch.add(7);
  CHECK(sketch.quantile(0.5) == 0);
  CHECK(sketch.quantile(1) == doctest::Approx(7).epsilon(0.42));
}

TEST_CASE("two halves merged are the whole") {
  QuantileSketch one, other, whole;
  Dice dice(2);
  for (int i = 0; i < 4000; ++i) {
    const double x = 10 * dice.normal() + (i % 2 ? 3 : -300);
    (i % 2 ? one : other).add(x);
    whole.add(x);
  }
  one.merge(other);
  CHECK(one.weight() == doctest::Approx(whole.weight()));
  for (const double q : {0.01, 0.3, 0.6, 0.9})
    CHECK(one.quantile(q) == doctest::Approx(whole.quantile(q)).epsilon(0.05));
}

TEST_CASE("it forgets, and room that a huge value took comes back") {
  QuantileSketch sketch;
  sketch.add(1e30);
  for (int i = 0; i < 40000; ++i) {
    sketch.fade(0.999);
    sketch.add(1 + i % 10);
  }
  CHECK(sketch.quantile(0.5) == doctest::Approx(5.5).epsilon(0.2));
  CHECK(sketch.weight() == doctest::Approx(1000).epsilon(0.02));
}

TEST_CASE("moved and multiplied") {
  QuantileSketch sketch;
  Dice dice(3);
  for (int i = 0; i < 5000; ++i) sketch.add(dice.normal());
  QuantileSketch large = sketch;
  large.scale(1000);
  CHECK(large.quantile(0.9) == doctest::Approx(1000 * sketch.quantile(0.9)).epsilon(0.05));
  sketch.shift(0.5);
  CHECK(sketch.quantile(0.5) == doctest::Approx(0.5).epsilon(0.15));
}

TEST_CASE("median and spread, from wherever the first value was") {
  for (const double first : {100.0, 0.0, 1e9, -5e5}) {
    CAPTURE(first);
    LevelScale level;
    Dice dice(4);
    level.step(first, 0, 86400);
    for (int i = 0; i < 3000; ++i) level.step(100 + dice.normal(), 1, 86400);
    CHECK(level.median() == doctest::Approx(100).epsilon(0.003));
    CHECK(level.mad() == doctest::Approx(0.6745).epsilon(0.25));
    CHECK_FALSE(level.constant());
  }
}

TEST_CASE("a few wild values change neither") {
  LevelScale level;
  Dice dice(5);
  for (int i = 0; i < 5000; ++i) level.step(i % 100 == 7 ? 1e6 : 100 + dice.normal(), 1, 86400);
  CHECK(level.median() == doctest::Approx(100).epsilon(0.003));
  CHECK(level.mad() < 1);
}

TEST_CASE("a constant is one") {
  LevelScale level;
  for (int i = 0; i < 1000; ++i) level.step(42, 1, 86400);
  CHECK(level.known());
  CHECK(level.constant());
  CHECK(level.median() == 42);
}

TEST_CASE("the level moves and the spread stays; a unit changes and the spread with it") {
  LevelScale level;
  Dice dice(6);
  for (int i = 0; i < 5000; ++i) level.step(100 + dice.normal(), 1, 86400);
  const double before = level.spread(true);
  LevelScale moved = level, other = level;
  moved.move_to(160);
  CHECK(moved.median() == doctest::Approx(160).epsilon(0.001));
  CHECK(moved.spread(true) == doctest::Approx(before).epsilon(0.2));
  other.move_to(100e3);
  CHECK(other.median() == doctest::Approx(100e3).epsilon(0.001));
  CHECK(other.spread(true) == doctest::Approx(1000 * before).epsilon(0.2));
}
