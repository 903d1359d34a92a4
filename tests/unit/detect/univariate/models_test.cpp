// SPDX-License-Identifier: Apache-2.0
// What each learning model is for, that it finds it, and that it keeps quiet on what only looks like it.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::Departure;
using detect::DetectorInfo;
using detect::State;

namespace {

constexpr double kPeriod = 10;  // seconds between readings

std::unique_ptr<detect::Detector> made(const DetectorInfo& info) { return detector_of(info); }

// Two weeks of what is usual, then course(t, usual) with t seconds from the end of them.
struct Outcome {
  std::unique_ptr<detect::Detector> detector;
  Told usual, after;
};
Outcome after_two_weeks(const DetectorInfo& info, double seconds, std::uint64_t seed,
                        const std::function<std::optional<double>(double, double)>& course) {
  Outcome outcome{made(info), {}, {}};
  Healthy healthy(seed);
  constexpr double kLearned = 14 * kDay;
  outcome.usual = run(*outcome.detector, 0, kLearned, kPeriod, [&](double t) { return healthy.at(t); });
  outcome.after = run(*outcome.detector, kLearned, kLearned + seconds, kPeriod,
                      [&](double t) { return course(t - kLearned, healthy.at(t)); });
  return outcome;
}

// What a detector is for, as a departure of the healthy course, and within which time it must know it.
struct Purpose {
  const DetectorInfo* info;
  std::string_view what;
  double (*course)(double t, double usual);
  double within;  // seconds
  Departure departure;
};
const Purpose kPurposes[] = {
    {&detect::robust_zscore, "three times the load", [](double, double x) { return x + 200; }, 60,
     Departure::level_shift},
    {&detect::baseline_percentile, "half as much again as ever", [](double, double x) { return x + 80; }, 60,
     Departure::level_shift},
    {&detect::change_point, "a level higher by less than the day's own course", [](double, double x) { return x + 10; },
     900, Departure::level_shift},
    {&detect::change_point, "a level lower by that", [](double, double x) { return x - 10; }, 900,
     Departure::level_shift},
    {&detect::bocpd, "a new regime", [](double, double x) { return x + 80; }, 900, Departure::level_shift},
    {&detect::tail, "a burst far beyond any", [](double t, double x) { return t < 60 ? x + 40 : x; }, 60,
     Departure::none},
};

}  // namespace

TEST_CASE("each model finds what it is for") {
  for (const Purpose& purpose : kPurposes) {
    CAPTURE(purpose.info->name);
    CAPTURE(purpose.what);
    const Outcome outcome = after_two_weeks(*purpose.info, 0.9 * kHour, 21, purpose.course);
    REQUIRE(outcome.after.starts.size() >= 1);
    CHECK(outcome.after.starts.size() <= 2);
    CHECK(outcome.after.starts[0] - 14 * kDay <= purpose.within);
    if (purpose.departure != Departure::none) CHECK(outcome.after.departed[0] == purpose.departure);
    CHECK(outcome.after.last.expected.has_value());
  }
}

TEST_CASE("seasonal knows that the load of noon is wrong at night, and the plain models do not") {
  // The quietest hour of the day is at 18 h, the busiest at 6 h; both are usual levels.
  const auto shifted = [](double t, double usual) { return t >= 17 * kHour && t < 19 * kHour ? 120.0 : usual; };
  const Outcome seasonal = after_two_weeks(detect::seasonal, kDay, 22, shifted);
  REQUIRE(seasonal.after.starts.size() == 1);
  CHECK(seasonal.after.starts[0] - 14 * kDay == doctest::Approx(17 * kHour).epsilon(0.001));
  CHECK(seasonal.after.departed[0] == Departure::season);
  CHECK(after_two_weeks(detect::robust_zscore, kDay, 22, shifted).after.starts.empty());
  CHECK(after_two_weeks(detect::baseline_percentile, kDay, 22, shifted).after.starts.empty());
}

TEST_CASE("baseline_percentile looks below when the percentile is low") {
  const auto detector = detector_of(detect::baseline_percentile, {{"baseline_percentile", 0.05}});
  Healthy healthy(23);
  CHECK(run(*detector, 0, 5 * kDay, kPeriod, [&](double t) { return healthy.at(t); }).starts.empty());
  const Told high = run(*detector, 5 * kDay, 5 * kDay + 600, kPeriod, [&](double t) { return healthy.at(t) + 300; });
  CHECK(high.starts.empty());
  const Told low = run(*detector, 5 * kDay + 600, 5 * kDay + 1200, kPeriod, [&](double) { return -100.0; });
  REQUIRE(low.starts.size() == 1);
  CHECK(low.last.direction == Direction::below);
}

TEST_CASE("tail keeps its risk on heavy tails, where deviations do not") {
  const auto count = [](const DetectorInfo& info) {
    const auto detector = made(info);
    Dice dice(24);
    return run(*detector, 0, 30 * kDay, kPeriod, [&](double) { return std::exp(1.5 * dice.normal()); }).starts.size();
  };
  CHECK(count(detect::tail) <= 1);
  CHECK(count(detect::zscore) > 100);
  const auto detector = made(detect::tail);
  Dice dice(25);
  const auto usual = [&](double) { return std::exp(1.5 * dice.normal()); };
  CHECK(run(*detector, 0, 10 * kDay, kPeriod, usual).starts.empty());
  const Told odd = run(*detector, 10 * kDay, 10 * kDay + 300, kPeriod, [&](double t) { return 5000 + usual(t); });
  CHECK(odd.starts.size() == 1);
  CHECK(odd.last.departure == Departure::level_shift);
}

TEST_CASE("stuck knows who moves and who does not") {
  const auto stuck = made(detect::stuck);
  Healthy healthy(26);
  CHECK(run(*stuck, 0, 3 * kDay, kPeriod, [&](double t) { return healthy.at(t); }).starts.empty());
  const Told still = run(*stuck, 3 * kDay, 3 * kDay + 2 * kHour, kPeriod, [](double) { return 93.7; });
  REQUIRE(still.starts.size() == 1);
  CHECK(still.starts[0] - 3 * kDay == doctest::Approx(600).epsilon(0.05));
  CHECK(still.departed[0] == Departure::stuck);
  CHECK(run(*stuck, 3 * kDay + 2 * kHour, 4 * kDay, kPeriod, [&](double t) { return healthy.at(t); }).last.state ==
        State::quiet);

  // One that changes once an hour is not stuck after a quarter; zero is idle; a constant was never expected to move.
  const auto hourly = made(detect::stuck), idle = made(detect::stuck), constant = made(detect::stuck);
  CHECK(run(*hourly, 0, 30 * kDay, kPeriod, [](double t) { return std::floor(t / kHour); }).starts.empty());
  Dice dice(27);
  CHECK(run(*idle, 0, 20 * kDay, kPeriod, [&](double t) {
          return std::fmod(t, kDay) < kDay / 2 ? dice.uniform() : 0.0;
        }).starts.empty());
  const Told never = run(*constant, 0, 10 * kDay, kPeriod, [](double) { return 5.0; });
  CHECK(never.unknown == never.seen);
  CHECK(never.last.reason == "has hardly moved: nothing to learn");
}

TEST_CASE("a constant is nothing to learn from, and says so") {
  for (const DetectorInfo* info : {&detect::robust_zscore, &detect::baseline_percentile, &detect::seasonal,
                                   &detect::change_point, &detect::bocpd, &detect::tail}) {
    CAPTURE(info->name);
    const auto detector = made(*info);
    const Told told = run(*detector, 0, 5 * kDay, 60, [](double) { return 12.5; });
    CHECK(told.unknown == told.seen);
    CHECK(told.last.reason == "constant: nothing to learn");
  }
}

TEST_CASE("while it warms up it says that it learns, whatever happens") {
  for (const DetectorInfo* info : detect::all_detectors()) {
    const auto warmup = std::ranges::find(info->params, "warmup", &detect::ParamSpec::name);
    if (warmup == info->params.end()) continue;
    CAPTURE(info->name);
    const auto detector = made(*info);
    Healthy healthy(28);
    const Told told = run(*detector, 0, warmup->fallback - 60, kPeriod,
                          [&](double t) { return healthy.at(t) + (t > 0.8 * warmup->fallback ? 500 : 0); });
    CHECK(told.unknown == told.seen);
  }
}

TEST_CASE("what is not to be learned is judged and leaves no trace") {
  for (const DetectorInfo* info : {&detect::robust_zscore, &detect::seasonal, &detect::change_point}) {
    CAPTURE(info->name);
    const auto guarded = made(*info), unguarded = made(*info);
    Healthy healthy(29);
    double expected[2] = {};
    for (int i = 0; i < 15 * 8640; ++i) {
      const double usual = healthy.at(10.0 * i);
      const bool incident = i > 14 * 8640 && i < 14 * 8640 + 300;
      const detect::Reading reading{at_s(1 + 10 * i), incident ? usual + 4000 : usual};
      detect::Reading held = reading;
      held.learn = !incident;
      const auto finding = guarded->step(held);
      expected[0] = finding.expected.value_or(0);
      expected[1] = unguarded->step(reading).expected.value_or(0);
      if (i == 14 * 8640 + 200) CHECK(finding.state == State::firing);
    }
    CHECK(expected[0] == doctest::Approx(100).epsilon(0.1));
    CHECK(expected[1] == doctest::Approx(expected[0]).epsilon(0.2));  // nor does it by itself
  }
}

TEST_CASE("a legitimate step is one suspicion and then the new normal, also of a unit that changes") {
  struct Step {
    std::string_view name;
    double (*course)(double usual);
  };
  static const Step kSteps[] = {
      {"a higher level", [](double x) { return x + 100; }},
      {"a thousand times as much", [](double x) { return x * 1000; }},
      {"a thousandth", [](double x) { return x / 1000; }},
  };
  for (const DetectorInfo* info : {&detect::robust_zscore, &detect::baseline_percentile, &detect::seasonal,
                                   &detect::change_point, &detect::bocpd, &detect::tail})
    for (const Step& step : kSteps) {
      CAPTURE(info->name);
      CAPTURE(step.name);
      const Outcome outcome =
          after_two_weeks(*info, 0.9 * kDay, 30, [&](double, double usual) { return step.course(usual); });
      CHECK(outcome.after.starts.size() <= 1);
      const auto adopt = std::ranges::find(info->params, "adopt", &detect::ParamSpec::name);
      CHECK(outcome.after.firing * kPeriod <= adopt->fallback + 2 * kPeriod);
      CHECK(outcome.after.last.state == State::quiet);
    }
}

TEST_CASE("thirty days of a healthy series: what each model costs in false suspicions") {
  // Measured on three seeds with readings each 10 s; at most so many per seed.
  struct Cost {
    const DetectorInfo* info;
    std::size_t most;
  };
  const Cost kCosts[] = {
      {&detect::zscore, 0},   {&detect::robust_zscore, 0}, {&detect::baseline_percentile, 0},
      {&detect::seasonal, 0}, {&detect::change_point, 3},  {&detect::bocpd, 0},
      {&detect::tail, 4},     {&detect::leak, 0},          {&detect::stuck, 0},
  };
  for (const Cost& cost : kCosts) {
    std::string counts;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      CAPTURE(cost.info->name);
      const auto detector = made(*cost.info);
      Healthy healthy(seed);
      const Told told = run(*detector, 0, 30 * kDay, kPeriod, [&](double t) { return healthy.at(t); });
      CHECK(told.starts.size() <= cost.most);
      counts += " " + std::to_string(told.starts.size());
    }
    MESSAGE(std::string(cost.info->name), ": false suspicions in 30 days, three seeds:", counts);
  }
}
