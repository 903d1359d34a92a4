// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::Finding;
using detect::State;
using test::at_s;

namespace {

struct Learner {
  std::unique_ptr<detect::Detector> detector = test::detector_of(detect::zscore);
  std::mt19937 random{3};
  std::normal_distribution<double> noise{0, 1};
  int second = 0;

  Finding next(std::optional<double> value) { return detector->step({at_s(++second), value}); }
  Finding usual(double scale) { return next(scale * (100 + noise(random))); }
  // Firing readings in so many seconds of what is usual.
  int watch(int seconds, double scale) {
    int firing = 0;
    for (int i = 0; i < seconds; ++i) firing += usual(scale).state == State::firing ? 1 : 0;
    return firing;
  }
};

}  // namespace

TEST_CASE("it says that it learns, and is quiet on what is usual") {
  for (const double scale : {1e-6, 1.0, 1e9}) {
    CAPTURE(scale);
    Learner learner;
    const Finding first = learner.usual(scale);
    CHECK(first.state == State::unknown);
    CHECK(first.reason == "learning");
    CHECK(learner.watch(3590, scale) == 0);
    CHECK(learner.usual(scale).state == State::unknown);
    CHECK(learner.watch(40000, scale) == 0);
    CHECK(learner.usual(scale).state == State::quiet);
  }
}

TEST_CASE("a level far from all that was seen fires within seconds, on any scale") {
  for (const double scale : {1e-6, 1.0, 1e9}) {
    CAPTURE(scale);
    Learner learner;
    learner.watch(10000, scale);
    Finding finding;
    int seconds = 0;
    while (finding.state != State::firing && seconds < 60) {
      finding = learner.next(scale * 160);
      ++seconds;
    }
    CHECK(seconds <= 8);  // the level is a mean of ten seconds
    CHECK(finding.direction == Direction::above);
    CHECK(*finding.expected == doctest::Approx(scale * 100).epsilon(0.01));
    CHECK(finding.probability >= 0.5);
  }
}

TEST_CASE("one odd reading is not enough; it ends when the usual is back") {
  Learner learner;
  learner.watch(10000, 1);
  CHECK(learner.next(104).state == State::quiet);
  CHECK(learner.watch(100, 1) == 0);
  for (int i = 0; i < 10; ++i) (void)learner.next(170);
  CHECK(learner.next(170).state == State::firing);
  learner.watch(60, 1);
  CHECK(learner.usual(1).state == State::quiet);
}

TEST_CASE("a constant is silent, a failed read is unknown, time must go on") {
  Learner learner;
  for (int i = 0; i < 5000; ++i) REQUIRE(learner.next(5).state != State::firing);
  CHECK(learner.next(std::nullopt).state == State::unknown);
  CHECK(learner.next(5).state == State::quiet);
  CHECK(learner.detector->step({at_s(10), 1e9}).state == State::quiet);
}

TEST_CASE("a shift that lasts a day is the new normal") {
  Learner learner;
  learner.watch(10000, 1);
  int firing = 0;
  for (int i = 0; i < 86400 + 120; ++i)
    firing += learner.next(160 + learner.noise(learner.random)).state == State::firing;
  CHECK(firing > 100);
  CHECK(learner.next(160).state == State::quiet);
}

TEST_CASE("a gap starts the change anew") {
  Learner learner;
  learner.watch(10000, 1);
  learner.second += 3600;
  CHECK(learner.usual(1).state == State::quiet);
  CHECK(learner.watch(60, 1) == 0);
}
