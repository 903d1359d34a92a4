// SPDX-License-Identifier: Apache-2.0
// Courses of values from a seed, and a run of a detector over one.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/unit/detect/stream.h"

namespace hostmedic::test {

inline constexpr double kPi = 3.14159265358979324;
inline constexpr double kHour = 3600, kDay = 86400;

// SplitMix64; the same numbers on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  double uniform() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
  }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * kPi * uniform());
  }

 private:
  std::uint64_t state_;
};

// What a healthy series does: a course of the day, weekends lower, noise that sticks a little, rare short bursts.
class Healthy {
 public:
  explicit Healthy(std::uint64_t seed, double scale = 1) : dice_(seed), scale_(scale) {}
  // To be called once per 10 s.
  double at(double t) {
    wander_ = 0.95 * wander_ + 0.3 * dice_.normal();
    if (burst_ <= 0 && dice_.uniform() < 1e-3) burst_ = 3 + 9 * dice_.uniform();
    burst_ -= 1;
    weekend_ += 10 / (10 + 2 * kHour) * ((std::fmod(t / kDay, 7) >= 5 ? 1 : 0) - weekend_);  // people go to bed late
    const double day = 20 * std::sin(2 * kPi * t / kDay) + 4 * std::sin(4 * kPi * t / kDay) - 8 * weekend_;
    return scale_ * (100 + day + wander_ + dice_.normal() + (burst_ > 0 ? 6 : 0));
  }

 private:
  Dice dice_;
  const double scale_;
  double wander_ = 0, burst_ = 0, weekend_ = 0;
};

struct Told {
  std::vector<double> starts;                // when it began to fire
  std::vector<detect::Departure> departed;   // the last word of each
  double firing = 0, unknown = 0, seen = 0;  // readings
  detect::Finding last;
};

using Values = std::function<std::optional<double>(double)>;

// Reads value(t) once a period from `from` to `to`. Wall time 0 is a Monday.
inline Told run(detect::Detector& detector, double from, double to, double period, const Values& value) {
  Told told;
  bool firing = false;
  for (int i = 0; from + i * period < to; ++i) {
    const double t = from + i * period;
    const WallTime wall = wall_from_ns((4 * 86400 + static_cast<std::int64_t>(t)) * 1'000'000'000);
    const detect::Finding finding = told.last = detector.step({at_s(1 + t), value(t), wall});
    ++told.seen;
    if (finding.state == detect::State::unknown) ++told.unknown;
    if (finding.state == detect::State::unknown) continue;
    const bool now = finding.state == detect::State::firing;
    if (now && !firing) told.starts.push_back(t), told.departed.push_back(finding.departure);
    if (now) told.departed.back() = finding.departure, ++told.firing;
    firing = now;
  }
  return told;
}

}  // namespace hostmedic::test
