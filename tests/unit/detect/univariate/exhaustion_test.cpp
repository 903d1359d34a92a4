// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::State;
using test::at_s;

namespace {

// Reads level(t) once a period from 0 to end; the times at which it began to fire.
std::vector<double> fires(detect::Detector& detector, double end, double period,
                          const std::function<std::optional<double>(double)>& level) {
  std::vector<double> starts;
  bool firing = false;
  for (int i = 0; i * period <= end; ++i) {
    const double t = i * period;
    const State state = detector.step({at_s(100 + t), level(t)}).state;
    if (state == State::unknown) continue;
    if (state == State::firing && !firing) starts.push_back(t);
    firing = state == State::firing;
  }
  return starts;
}

std::unique_ptr<detect::Detector> forecast() { return test::detector_of(detect::exhaustion); }

}  // namespace

TEST_CASE("a filesystem that fills by 2% a second is known within a few readings") {
  for (const double start : {0.1, 0.3, 0.6, 0.7, 0.8}) {
    CAPTURE(start);
    const auto starts = fires(*forecast(), 80, 1, [&](double t) {  // flat for half a minute, then it begins
      return std::min(1.0, start + 0.02 * std::max(0.0, t - 30));
    });
    REQUIRE(starts.size() == 1);
    const double past_floor = std::max(30.0, 30 + (0.5 - start) / 0.02);
    CHECK(starts[0] - past_floor <= 6);
  }
}

TEST_CASE("a forecast from nothing but the fill itself") {
  const auto detector = forecast();
  int readings = 0;
  detect::Finding finding;
  for (double level = 0.62; finding.state != State::firing && readings < 20; level += 0.02)
    finding = detector->step({at_s(++readings), level});
  CHECK(readings >= 4);
  CHECK(readings <= 6);
  CHECK(finding.score == doctest::Approx((1 - 0.62 - 0.02 * (readings - 1)) / 0.02));  // seconds to full
  CHECK(finding.probability > 0.75);
  CHECK(finding.expected == 1);
  CHECK(to_seconds(finding.since - at_s(1)) == doctest::Approx(0));
}

TEST_CASE("slow fills are known inside the horizon") {
  for (const double hours : {0.5, 3.0, 12.0}) {
    CAPTURE(hours);
    const double slope = 0.4 / (hours * 3600);
    std::mt19937 random(5);
    const auto starts = fires(*forecast(), hours * 3600, 1,
                              [&](double t) { return 0.6 + slope * t + 1e-6 * static_cast<double>(random() % 10); });
    REQUIRE(starts.size() >= 1);
    const double left = hours * 3600 - starts[0];
    CHECK(left <= 620);
    CHECK(left >= 150);
  }
}

TEST_CASE("growth in bursts is growth") {
  const auto starts = fires(*forecast(), 1800, 1, [](double t) { return 0.55 + 0.005 * std::floor(t / 20); });
  REQUIRE(starts.size() == 1);
  CHECK(starts[0] < 1300);  // full at 1800
}

TEST_CASE("readings every ten seconds") {
  const auto starts = fires(*forecast(), 600, 10, [](double t) { return std::min(1.0, 0.5 + 0.002 * t); });
  REQUIRE(starts.size() == 1);
  CHECK(starts[0] <= 150);  // full at 250
}

TEST_CASE("no forecast of a sawtooth") {
  struct Tooth {
    double low, high, period;
  };
  for (const Tooth tooth : {Tooth{0.55, 0.65, 20}, Tooth{0.6, 0.7, 60}, Tooth{0.6, 0.8, 600}, Tooth{0.5, 0.8, 3600},
                            Tooth{0.7, 0.72, 5}, Tooth{0.55, 0.6, 12}}) {
    CAPTURE(tooth.period);
    const auto starts = fires(*forecast(), 20000, 1, [&](double t) {
      return tooth.low + (tooth.high - tooth.low) * std::fmod(t, tooth.period) / tooth.period;
    });
    CHECK(starts.empty());
  }
}

TEST_CASE("a sawtooth that looks like the end alarms on its first tooth at most") {
  const auto starts = fires(*forecast(), 20000, 1, [](double t) { return 0.6 + 0.2 * std::fmod(t, 20) / 20; });
  CHECK(starts.size() <= 1);
}

TEST_CASE("no forecast of noise") {
  for (const double deviation : {0.0001, 0.002, 0.01, 0.05}) {
    CAPTURE(deviation);
    std::mt19937 random(11);
    std::normal_distribution<double> noise(0, deviation);
    CHECK(fires(*forecast(), 50000, 1, [&](double) { return std::min(1.0, 0.75 + noise(random)); }).empty());
  }
}

TEST_CASE("no forecast of one step") {
  for (const double seconds : {0.5, 2.0, 3.0}) {  // that the large file takes to write
    CAPTURE(seconds);
    const auto starts =
        fires(*forecast(), 4000, 1, [&](double t) { return 0.55 + 0.2 * std::clamp((t - 60) / seconds, 0.0, 1.0); });
    CHECK(starts.empty());
  }
}

TEST_CASE("nothing is forecast below the floor, nor of what falls") {
  CHECK(fires(*forecast(), 200, 1, [](double t) { return 0.05 + 0.002 * t; }).empty());
  CHECK(fires(*forecast(), 40, 1, [](double t) { return 0.95 - 0.01 * t; }).empty());
}

TEST_CASE("it clears soon when the growth ends, and at once when the space is back") {
  const auto grown = [](double t, double after) { return t <= 40 ? 0.5 + 0.01 * t : after; };
  for (const double after : {0.9, 0.5}) {
    const auto detector = forecast();
    (void)fires(*detector, 40, 1, [&](double t) { return grown(t, after); });
    CHECK(detector->step({at_s(140.5), 0.9}).state == State::firing);
    double quiet_after = 0;
    for (int t = 41; quiet_after == 0 && t < 400; ++t)
      if (detector->step({at_s(100 + t), after}).state == State::quiet) quiet_after = t - 40;
    CHECK(quiet_after >= 1);
    CHECK(quiet_after <= (after == 0.5 ? 1 : 30));
  }
}

TEST_CASE("what is full stays so") {
  const auto detector = forecast();
  (void)fires(*detector, 60, 1, [](double t) { return std::min(1.0, 0.5 + 0.02 * t); });
  for (int t = 61; t < 600; ++t) CHECK(detector->step({at_s(100 + t), 1.0}).state == State::firing);
}

TEST_CASE("after a treatment the habit is known, but a fill beyond it alarms again") {
  const auto detector = forecast();
  const auto starts = fires(*detector, 60, 1, [](double t) {
    if (t <= 15) return 0.5 + 0.02 * t;  // up to 80%
    return 0.5 + 0.02 * (t - 16);        // emptied; the writer goes on
  });
  REQUIRE(starts.size() == 2);
  CHECK(starts[0] <= 8);
  CHECK(starts[1] >= 31);
  CHECK(starts[1] <= 34);  // 86% at most
}

TEST_CASE("an amount that is left is a level that falls") {
  const auto detector = test::detector_of(detect::exhaustion, {{"full", 0}, {"floor", 8e9}});
  detect::Finding finding;
  int readings = 0;
  for (double left = 5e9; finding.state != State::firing && readings < 20; left -= 3e8)
    finding = detector->step({at_s(++readings), left});
  CHECK(readings <= 7);
  CHECK(finding.direction == Direction::below);
  CHECK(finding.expected == 0);
}

TEST_CASE("unknown readings neither fire nor clear") {
  const auto detector = forecast();
  (void)fires(*detector, 10, 1, [](double t) { return 0.5 + 0.02 * t; });
  for (int t = 11; t < 100; ++t) CHECK(detector->step({at_s(100 + t), std::nullopt}).state == State::unknown);
  CHECK(detector->step({at_s(200), 0.9}).state == State::firing);
  CHECK(detector->step({at_s(200), 0.1}).state == State::firing);  // no time has passed
  const auto fresh = forecast();
  CHECK(fires(*fresh, 100, 1, [](double) { return std::nullopt; }).empty());
  CHECK(fresh->step({at_s(300), 0.5}).state == State::unknown);
}
