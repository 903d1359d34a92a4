// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::State;
using test::at_s;

namespace {

struct Row {
  double at;
  std::optional<double> value;
  State state;
};

void check(detect::Detector& detector, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.at);
    CHECK(detector.step({at_s(row.at), row.value}).state == row.state);
  }
}

}  // namespace

// But for the 50 ms by which a reading may be early.
TEST_CASE("above_for fires at the end of its hold, not before") {
  const auto detector = test::detector_of(detect::above_for, {{"limit", 0.9}, {"hold", 3}, {"hold_clear", 2}});
  check(*detector, {{0, 0.5, State::quiet},
                    {1, 0.95, State::quiet},
                    {2, 0.95, State::quiet},
                    {3.94, 0.95, State::quiet},
                    {3.96, 0.95, State::firing},
                    {5, 0.9, State::firing},   // at the limit is not above, but not yet quiet for long
                    {6, 0.95, State::firing},  // and back
                    {7, 0.5, State::firing},
                    {8.94, 0.5, State::firing},
                    {8.96, 0.5, State::quiet}});
}

TEST_CASE("above_for says how it came to it") {
  const auto detector = test::detector_of(detect::above_for, {{"limit", 0.9}, {"hold", 1}});
  (void)detector->step({at_s(1), 0.95});
  const auto finding = detector->step({at_s(2), 0.97});
  CHECK(finding.state == State::firing);
  CHECK(finding.since == at_s(1));
  CHECK(finding.expected == 0.9);
  CHECK(finding.score == doctest::Approx(0.07));
  CHECK(finding.probability > 0.5);
  CHECK(finding.direction == hostmedic::Direction::above);
}

TEST_CASE("above_for: one reading within the limit starts the hold again") {
  const auto detector = test::detector_of(detect::above_for, {{"limit", 10}, {"hold", 3}});
  check(*detector, {{0, 11, State::unknown},
                    {2, 11, State::unknown},
                    {2.5, 10, State::quiet},
                    {3, 11, State::quiet},
                    {5.9, 11, State::quiet},
                    {6, 11, State::firing}});
}

TEST_CASE("above_for: the margin keeps it from flapping") {
  const auto detector =
      test::detector_of(detect::above_for, {{"limit", 0.9}, {"margin", 0.05}, {"hold", 0}, {"hold_clear", 0}});
  check(*detector, {{0, 0.91, State::firing},
                    {1, 0.88, State::firing},
                    {2, 0.86, State::firing},
                    {3, 0.849, State::quiet},
                    {4, 0.89, State::quiet},
                    {5, 0.91, State::firing}});
}

TEST_CASE("above_for: unknown neither fires nor clears, and its time counts for nothing") {
  const auto detector = test::detector_of(detect::above_for, {{"limit", 0.9}, {"hold", 3}, {"hold_clear", 2}});
  check(*detector, {{0, 0.95, State::unknown},  // cannot tell yet
                    {1, std::nullopt, State::unknown},
                    {50, std::nullopt, State::unknown},
                    {51, 0.95, State::unknown},
                    {53.9, 0.95, State::unknown},
                    {54, 0.95, State::firing},
                    {55, 0.1, State::firing},
                    {56, std::nullopt, State::unknown},
                    {70, 0.1, State::firing},
                    {72, 0.1, State::quiet}});
}

TEST_CASE("above_for: a gap without readings counts a minute at most") {
  const auto detector = test::detector_of(detect::above_for, {{"limit", 0.9}, {"hold", 100}});
  check(*detector, {{0, 0.95, State::unknown},
                    {1000, 0.95, State::unknown},
                    {1039, 0.95, State::unknown},
                    {1040, 0.95, State::firing}});
}

TEST_CASE("above_for: time that does not go on changes nothing") {
  const auto detector = test::detector_of(detect::above_for, {{"limit", 0.9}, {"hold", 2}});
  check(*detector, {{10, 0.95, State::unknown},
                    {10, 0.1, State::unknown},
                    {3, 0.1, State::unknown},
                    {11, 0.95, State::unknown},
                    {12, 0.95, State::firing},
                    {12, 0.1, State::firing}});
}

TEST_CASE("below_for is the mirror") {
  const auto detector =
      test::detector_of(detect::below_for, {{"limit", 0.05}, {"margin", 0.05}, {"hold", 2}, {"hold_clear", 1}});
  check(*detector, {{0, 0.5, State::quiet},
                    {1, 0.04, State::quiet},
                    {3, 0.01, State::firing},
                    {4, 0.06, State::firing},
                    {5, 0.09, State::firing},
                    {6, 0.11, State::firing},
                    {7, 0.11, State::quiet}});
}
