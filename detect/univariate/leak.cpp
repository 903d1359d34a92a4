// SPDX-License-Identifier: Apache-2.0
// leak: the low points keep rising, for a day and more, and at this pace the limit is reached within days. Of each hour
// (bucket) the lowest value is kept, 48 of them, so that what is taken and given back does not count; their trend is
// tested by Mann-Kendall and measured by Theil-Sen. It needs 30 buckets: a daily course alone stays below the limit of
// the test from then on (|Z| at most 2.6 for a sine, measured over all phases; 3.6 at 24). One step, or a cache that
// fills and stops, rises in one half of the time only. A fall to less than half
// begins anew: that was a restart. What fills in minutes is the matter of exhaustion. 0.6 KB.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/detectors.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { full, growth, direction, bucket, confidence, horizon };

constexpr std::size_t kPoints = 48;
constexpr std::size_t kPairs = kPoints * (kPoints - 1) / 2;

struct Slope {
  double z = 0;                   // of Mann-Kendall
  double median = 0, surely = 0;  // per bucket; surely: its lower bound at 97.5%
};

Slope slope_of(std::span<const float> points) {
  const auto n = static_cast<double>(points.size());
  std::array<float, kPairs> slopes;
  std::size_t pairs = 0;
  int rising = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      const float rise = points[j] - points[i];
      rising += rise > 0 ? 1 : (rise < 0 ? -1 : 0);
      slopes[pairs++] = rise / static_cast<float>(j - i);
    }
  Slope slope;
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  slope.z = (rising > 0 ? rising - 1 : (rising < 0 ? rising + 1 : 0)) / deviation;
  const auto at = [&](double rank) {
    const auto index = static_cast<std::ptrdiff_t>(std::clamp(rank, 0.0, static_cast<double>(pairs - 1)));
    std::nth_element(slopes.begin(), slopes.begin() + index, slopes.begin() + static_cast<std::ptrdiff_t>(pairs));
    return static_cast<double>(slopes[static_cast<std::size_t>(index)]);
  };
  slope.median = at(0.5 * static_cast<double>(pairs));
  slope.surely = at(0.5 * (static_cast<double>(pairs) - 1.96 * deviation));
  return slope;
}

// It rises in the second half as in the first: a step does it in one, what fills up and stops in the first. The three
// places are a day apart where the points are hours, so that the course of the day does not matter once all are there.
bool steady(std::span<const float> points) {
  constexpr std::size_t kPart = 6;
  const auto middle_of = [&](std::size_t from) {
    std::array<float, kPart> part;
    std::copy_n(points.begin() + static_cast<std::ptrdiff_t>(from), kPart, part.begin());
    std::nth_element(part.begin(), part.begin() + kPart / 2, part.end());
    return part[kPart / 2];
  };
  const float middle = middle_of((points.size() - kPart) / 2);
  const float first = middle - middle_of(0), second = middle_of(points.size() - kPart) - middle;
  return first > 0 && second > 0.35F * first && first > 0.1F * second;
}

// What a day adds, by the pairs that are one day apart: the course of the day is the same in both.
double slope_of_days(std::span<const float> points, std::size_t day) {
  std::array<float, kPoints> slopes;
  const std::size_t pairs = points.size() - day;
  for (std::size_t i = 0; i < pairs; ++i) slopes[i] = (points[i + day] - points[i]) / static_cast<float>(day);
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(pairs / 2);
  std::nth_element(slopes.begin(), middle, slopes.begin() + static_cast<std::ptrdiff_t>(pairs));
  return *middle;
}

class Leak final : public KeptModel<Leak> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit Leak(std::span<const double> values)
      : KeptModel({1, 0, 0}),
        sign_(values[direction] >= 0 ? 1 : -1),
        full_(values[full]),
        growth_(values[growth]),
        bucket_(values[bucket]),
        confidence_(values[confidence]),
        horizon_(values[horizon]) {}

  bool sane() const { return count_ <= kPoints && into_ >= 0 && left_ >= -1; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.points_, self.count_, self.base_, self.minimum_, self.into_, self.left_, self.goal_);
  }

 private:
  Opinion judge(const Moment& now) override {
    if (count_ > 0) {
      const double begun = base_ + points_[0], usual = base_ + points_[count_ - 1];
      if (fell(sign_ * now.x, usual) || fell(sign_ * now.x, begun)) restart();
    }
    collect(now);
    if (count_ < kFew) return {.cannot_tell = "learning: a day of low points is needed"};
    if (left_ < 0) return {};
    return {.score = left_ < 1 ? kMostScore : std::min(kMostScore, horizon_ / left_),
            .told = left_,
            .deviation = 0,
            .expected = goal_,
            .direction = sign_ > 0 ? Direction::above : Direction::below,
            .departure = Departure::trend};
  }

  // A half of what it was is given back: a new process, or a certificate that was renewed (for what falls: twice).
  static bool fell(double level, double before) { return level < (before > 0 ? 0.5 : 2) * before; }
  void restart() {
    count_ = 0;
    into_ = 0;
    left_ = -1;
  }

  // This is measured and not learned: also during the incident that it opened, to see it end.
  void learn(const Moment&) override {}
  void collect(const Moment& now) {
    const double level = sign_ * now.x;
    minimum_ = into_ <= 0 ? level : std::min(minimum_, level);
    into_ += std::max(now.elapsed, 1e-9);
    if (into_ >= bucket_) close_bucket();
  }

  void close_bucket() {
    if (count_ == 0) base_ = minimum_;
    if (count_ == kPoints) {
      std::move(points_.begin() + 1, points_.end(), points_.begin());
      --count_;
    }
    points_[count_++] = static_cast<float>(minimum_ - base_);
    into_ = 0;
    forecast();
  }

  void forecast() {
    left_ = -1;
    if (count_ < kFew) return;
    const auto points = std::span(points_).first(count_);
    Slope slope = slope_of(points);
    const auto day = static_cast<std::size_t>(std::max(1.0, 86400 / bucket_));
    if (count_ >= day + kPoints / 4) slope.median = slope_of_days(points, day);
    // Once it is known, half of the evidence is enough to go on.
    const bool holds = slope.z > confidence_ && slope.surely > 0 && steady(points);
    if (slope.median <= 0 || !(holds || (firing() && slope.z > 0.5 * confidence_))) return;
    const double now = base_ + points.back(), begun = base_ + points.front();
    // Without a limit that is known: when it will be so many times what it was when this began.
    const double goal = full_ < kNone ? sign_ * full_ : begun + (growth_ - 1) * std::abs(begun);
    left_ = std::max(0.0, goal - now) / slope.median * bucket_;
    goal_ = sign_ * goal;
  }

  void adopt(const Moment&) override {}
  std::string_view reason() const override { return "the low points keep rising towards the limit"; }

  static constexpr std::size_t kFew = 30;  // points
  static constexpr double kNone = 1e18;    // full: no limit is known
  static constexpr double kMostScore = 1e6;
  const double sign_, full_, growth_, bucket_, confidence_, horizon_;
  std::array<float, kPoints> points_{};  // less base_, oldest first; rise towards the limit
  std::uint8_t count_ = 0;
  double base_ = 0, minimum_ = 0, into_ = 0;
  double left_ = -1, goal_ = 0;  // seconds until the goal; -1: no forecast
};

constexpr ParamSpec kParams[] = {
    {"full", Unit::count, 1e18, -1e18, 1e18, "the level that is full, in the series' unit; 1e18: none is known"},
    {"growth", Unit::count, 2, 1.05, 100,
     "where none is known: it counts as full at so many times its first low point"},
    {"direction", Unit::count, 1, -1, 1, "1: grows towards full; -1: falls towards it"},
    {"bucket", Unit::seconds, 3600, 10, 86400,
     "of each such time the lowest value counts; 30 of them before a forecast"},
    {"confidence", Unit::count, 4, 2, 12, "Z of Mann-Kendall that makes a trend"},
    {"horizon", Unit::seconds, 7 * 86400, 60, 365 * 86400, "fires when it will be full within this time"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<Leak>(values); }

}  // namespace

const DetectorInfo leak{"leak", "rises for days and will be full; score: seconds until it is", kParams, make};

}  // namespace hostmedic::detect
