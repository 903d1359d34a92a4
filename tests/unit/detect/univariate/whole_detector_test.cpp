// SPDX-License-Identifier: Apache-2.0
// A detector whose whole state is taken to another one goes on there as if nothing had happened.
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::Finding;

namespace {

std::string whole(const detect::Detector& detector) {
  detect::StateWriter writer;
  detector.save_whole(writer);
  return writer.take();
}

bool same(const Finding& one, const Finding& other) {
  return one.state == other.state && one.score == other.score && one.probability == other.probability &&
         one.expected == other.expected && one.direction == other.direction && one.reason == other.reason &&
         one.since == other.since && one.departure == other.departure;
}

// Levels, jumps, climbs, standstills, gaps, failed reads, what is no number, and readings that come twice.
class Restless {
 public:
  explicit Restless(std::uint64_t seed) : dice_(seed) {}
  detect::Reading next() {
    if (left_-- <= 0) {
      left_ = static_cast<int>(200 * dice_.uniform());
      level_ = dice_.uniform() < 0.3 ? level_ : 3 * dice_.uniform() - 1;
      climb_ = dice_.uniform() < 0.5 ? 0 : 0.02 * (dice_.uniform() - 0.4);
      noise_ = dice_.uniform() < 0.3 ? 0 : 0.1 * dice_.uniform();
      step_ = dice_.uniform() < 0.2 ? 400 * dice_.uniform() : 1 + 20 * dice_.uniform();
    }
    level_ += climb_;
    if (dice_.uniform() > 0.02) second_ += dice_.uniform() < 0.01 ? 4000 * dice_.uniform() : step_;
    detect::Reading reading{at_s(1 + second_), level_ + noise_ * dice_.normal(),
                            wall_from_ns(static_cast<std::int64_t>(second_) * 1'000'000'000)};
    if (dice_.uniform() < 0.02) reading.value.reset();
    if (dice_.uniform() < 0.005) reading.value = std::numeric_limits<double>::quiet_NaN();
    if (dice_.uniform() < 0.005) reading.value = 1e29 * dice_.normal();
    if (dice_.uniform() < 0.3) reading.wall.reset();
    reading.learn = dice_.uniform() > 0.1;
    return reading;
  }

 private:
  Dice dice_;
  int left_ = 0;
  double second_ = 0, level_ = 0.5, climb_ = 0, noise_ = 0.01, step_ = 1;
};

// Short times, so that all that a detector can do comes to pass.
std::unique_ptr<detect::Detector> hasty(const detect::DetectorInfo& info) {
  std::vector<double> values;
  for (const detect::ParamSpec& spec : info.params) {
    const bool soon = spec.name == "warmup" || spec.name == "adopt" || spec.name == "hold" ||
                      spec.name == "hold_clear" || spec.name == "bucket" || spec.name == "window" ||
                      spec.name == "least";
    values.push_back(soon ? std::clamp(30.0, spec.min, spec.max) : spec.fallback);
    if (spec.name == "horizon") values.back() = std::min(1e6, spec.max);
  }
  return info.make(values);
}

}  // namespace

TEST_CASE("taken over at any moment, a detector goes on bit by bit") {
  for (const detect::DetectorInfo* info : detect::all_detectors())
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      CAPTURE(info->name);
      CAPTURE(seed);
      const auto first = hasty(*info), second = hasty(*info);
      Restless stream(seed);
      for (std::uint64_t i = 0; i < 150 * seed; ++i) (void)first->step(stream.next());
      const std::string bytes = whole(*first);
      detect::Literals literals;
      auto reader = detect::StateReader::exact(bytes, literals);
      second->load_whole(reader);
      REQUIRE(reader.good());
      REQUIRE(reader.at_end());
      CHECK(whole(*second) == bytes);
      bool identical = true;
      for (int i = 0; i < 1000; ++i) {
        const detect::Reading reading = stream.next();
        identical = identical && same(first->step(reading), second->step(reading));
      }
      CHECK(identical);
      CHECK(whole(*first) == whole(*second));
    }
}

TEST_CASE("whole state that is cut fails its reader") {
  for (const detect::DetectorInfo* info : detect::all_detectors()) {
    CAPTURE(info->name);
    const auto detector = hasty(*info);
    Restless stream(7);
    for (int i = 0; i < 500; ++i) (void)detector->step(stream.next());
    const std::string bytes = whole(*detector);
    detect::Literals literals;
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 100) {
      auto reader = detect::StateReader::exact(std::string_view(bytes).substr(0, size), literals);
      hasty(*info)->load_whole(reader);
      CHECK_FALSE(reader.good());
    }
  }
}
