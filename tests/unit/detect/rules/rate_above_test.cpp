// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "detect/feature/rate.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::State;
using test::at_s;

namespace {

// A counter read once a second, with increments at the given seconds; the state after each second.
struct Counter {
  detect::CounterRate rate;
  std::unique_ptr<detect::Detector> detector =
      test::detector_of(detect::rate_above, {{"limit", 3.0 / 60}, {"window", 60}});
  double value = 0;
  int second = 1000;

  State next(double increment) {
    value += increment;
    const auto reading = rate.step({at_s(second++), value});
    return reading ? detector->step(*reading).state : State::unknown;
  }
};

}  // namespace

TEST_CASE("three in a minute are not more than three, four are") {
  Counter counter;
  counter.next(0);
  for (int i = 0; i < 3; ++i) {
    CHECK(counter.next(1) != State::firing);
    CHECK(counter.next(0) != State::firing);
  }
  CHECK(counter.next(1) == State::firing);
}

TEST_CASE("it is quiet when the window has passed, and cannot tell before one has") {
  Counter counter;
  CHECK(counter.next(0) == State::unknown);
  for (int i = 0; i < 59; ++i) CHECK(counter.next(0) == State::unknown);
  CHECK(counter.next(0) == State::quiet);
  CHECK(counter.next(4) == State::firing);
  int seconds = 0;
  while (counter.next(0) == State::firing && seconds < 200) ++seconds;
  CHECK(seconds > 50);
  CHECK(seconds <= 60);
}

TEST_CASE("four over two minutes do not fire") {
  Counter counter;
  for (int i = 0; i < 600; ++i) {
    CAPTURE(i);
    REQUIRE(counter.next(i % 30 == 29 ? 1 : 0) != State::firing);
  }
}

TEST_CASE("a reset counter and a failed read add nothing") {
  Counter counter;
  for (int i = 0; i < 100; ++i) counter.next(0);
  counter.value = 1000;
  detect::CounterRate rate;
  CHECK(counter.detector->step(*rate.step({at_s(2000), 1000.0})).state == State::unknown);
  CHECK(counter.detector->step(*rate.step({at_s(2001), 5.0})).state == State::unknown);
  CHECK(counter.detector->step(*rate.step({at_s(2002), std::nullopt})).state == State::unknown);
  CHECK(counter.detector->step(*rate.step({at_s(2003), 5.0})).state == State::quiet);
}

TEST_CASE("time that does not go on changes nothing") {
  const auto detector = test::detector_of(detect::rate_above, {{"limit", 1}, {"window", 10}});
  (void)detector->step({at_s(10), 0.0});
  CHECK(detector->step({at_s(11), 11.0}).state == State::firing);
  CHECK(detector->step({at_s(11), 0.0}).state == State::firing);
  CHECK(detector->step({at_s(2), 0.0}).state == State::firing);
}
