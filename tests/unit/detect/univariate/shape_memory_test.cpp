// SPDX-License-Identifier: Apache-2.0
#include "detect/univariate/shape_memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "detect/univariate/onset.h"
#include "tests/unit/detect/allocations.h"

using namespace hostmedic;
using detect::Onset;
using detect::ShapeMemory;
using detect::ShapePlan;

namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
const ShapePlan kPlan(std::chrono::minutes(5));  // blocks of 4, 16, 64

// A day of 288 samples with noise: 20 at night, 80 by day.
struct Days {
  std::mt19937 random{5};
  float at(int i) {
    std::normal_distribution<float> noise(0, 1);
    const bool day = i % 288 >= 96 && i % 288 < 240;
    return (day ? 80.0F : 20.0F) + noise(random);
  }
  std::vector<float> values(int n) {
    std::vector<float> out;
    for (int i = 0; i < n; ++i) out.push_back(at(i));
    return out;
  }
};

std::vector<float> evidence_of(const std::vector<float>& values, const ShapePlan& plan = kPlan) {
  ShapeMemory memory;
  std::vector<float> out;
  for (const float value : values) out.push_back(memory.step(plan, value));
  return out;
}
float most(const std::vector<float>& values, int from, int to) {
  return *std::max_element(values.begin() + from, values.begin() + to);
}

}  // namespace

TEST_CASE("shape memory: a rhythm once known is little evidence; a pause between its levels is much") {
  Days days;
  std::vector<float> values = days.values(288 * 12);
  const std::vector<float> evidence = evidence_of(values);
  CHECK(most(evidence, 288 * 4, 288 * 10) < 0.4F);

  for (int i = 0; i < 12; ++i) values[288 * 10 + 150 + i] = 50 + static_cast<float>(i % 2);  // between the two levels
  CHECK(most(evidence_of(values), 288 * 10 + 150, 288 * 10 + 170) > 0.5F);
}

TEST_CASE("shape memory: a sensor that sticks between its usual values, however usual its level") {
  std::vector<float> values;
  for (int i = 0; i < 3000; ++i)
    values.push_back(i % 8 < 4 ? 10.0F : 90.0F);  // blocks of 16 are always 50 with extremes
  for (int i = 0; i < 200; ++i) values.push_back(50);
  const std::vector<float> evidence = evidence_of(values);
  CHECK(most(evidence, 500, 3000) < 0.05F);
  CHECK(most(evidence, 3000, 3064) > 1);
}

TEST_CASE("shape memory: an oddity is told once; the same again is known") {
  Days days;
  std::vector<float> values = days.values(288 * 14);
  for (const int day : {8, 10}) {
    for (int i = 0; i < 16; ++i) values[288 * day + 160 + i] = 130;
  }
  const std::vector<float> evidence = evidence_of(values);
  const float first = most(evidence, 288 * 8 + 160, 288 * 8 + 240);
  CHECK(first > 1);
  CHECK(most(evidence, 288 * 10 + 160, 288 * 10 + 240) < first / 4);
}

TEST_CASE("shape memory: no unit matters") {
  Days days;
  std::vector<float> values = days.values(288 * 10), scaled;
  for (int i = 0; i < 20; ++i) values[288 * 8 + 100 + i] = 45;
  for (const float value : values) scaled.push_back(value * 1024 - 65536);  // exact in float
  const std::vector<float> a = evidence_of(values), b = evidence_of(scaled);
  float apart = 0;
  for (std::size_t i = 0; i < a.size(); ++i) apart = std::max(apart, std::abs(a[i] - b[i]));
  CHECK(apart < 0.5F);  // a code on the edge may fall the other way
  CHECK(std::abs(most(a, 288 * 8, 288 * 9) - most(b, 288 * 8, 288 * 9)) < 0.1F);
}

TEST_CASE("shape memory: what comes later changes nothing, saved and loaded in between or not") {
  Days days;
  const std::vector<float> values = days.values(3000), whole = evidence_of(values);
  for (const int cut : {1, 63, 64, 777, 2999}) {
    ShapeMemory first;
    std::vector<float> parts;
    for (int i = 0; i < cut; ++i) parts.push_back(first.step(kPlan, values[i]));
    detect::StateWriter writer;
    first.save(writer);
    ShapeMemory second;
    detect::StateReader reader(writer.bytes());
    REQUIRE(second.load(reader));
    CHECK(reader.at_end());
    for (int i = cut; i < 3000; ++i) parts.push_back(second.step(kPlan, values[i]));
    CHECK(parts == whole);
  }
}

TEST_CASE("shape memory: what cannot be a state is refused and leaves an empty one") {
  ShapeMemory memory;
  for (int i = 0; i < 500; ++i) memory.step(kPlan, static_cast<float>(i % 7));
  detect::StateWriter writer;
  memory.save(writer);
  const std::string good = writer.bytes();
  for (const std::string& bad : {std::string(), good.substr(0, good.size() - 1), std::string(good.size(), '\xff')}) {
    detect::StateReader reader(bad);
    CHECK_FALSE(memory.load(reader));
    CHECK(memory.step(kPlan, 1) == 0);
  }
}

TEST_CASE("shape memory: gaps, infinities, constants and the largest numbers") {
  Days days;
  std::vector<float> values = days.values(3000);
  for (int i = 1000; i < 1300; ++i) values[i] = kUnknown;
  values[1500] = std::numeric_limits<float>::infinity();
  values[1501] = -std::numeric_limits<float>::infinity();
  values[2000] = std::numeric_limits<float>::max();
  values[2001] = std::numeric_limits<float>::lowest();
  const std::vector<float> evidence = evidence_of(values);
  CHECK(std::ranges::all_of(evidence, [](float e) { return std::isfinite(e) && e >= 0; }));
  CHECK(most(evidence, 1000, 1300) < 0.1F);  // not known is not new

  CHECK(most(evidence_of(std::vector<float>(5000, 3.25F)), 0, 5000) == 0);
}

TEST_CASE("shape memory: noise becomes quiet by itself; what is held is not learned") {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> wild(0, 100);
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) values.push_back(wild(random));
  const std::vector<float> evidence = evidence_of(values);
  float sum = 0;
  for (int i = 10000; i < 20000; ++i) sum += evidence[i];
  CHECK(sum / 10000 < 0.1F);

  ShapeMemory memory;
  Days days;
  for (int i = 0; i < 288 * 6; ++i) memory.step(kPlan, days.at(i));
  memory.hold(true);
  float again = 0;
  for (int turn = 0; turn < 3; ++turn) {
    again = 0;
    for (int i = 0; i < 64; ++i) again = std::max(again, memory.step(kPlan, i < 32 ? 50.0F : 20.0F));
  }
  CHECK(again > 0.2F);
}

TEST_CASE("shape memory: bounded, and no allocation") {
  CHECK(sizeof(ShapeMemory) <= 2048);
  ShapeMemory memory;
  Days days;
  const std::vector<float> values = days.values(20000);
  test::allocations = 0;
  test::counting = true;
  for (const float value : values) memory.step(kPlan, value);
  test::counting = false;
  CHECK(test::allocations == 0);
}

TEST_CASE("shape plan: blocks last half a minute to eight at a second, and at least four samples") {
  CHECK(ShapePlan(std::chrono::seconds(1)).samples == std::array<std::uint32_t, 3>{30, 120, 480});
  CHECK(ShapePlan(std::chrono::hours(1)).samples == std::array<std::uint32_t, 3>{4, 16, 64});
}

TEST_CASE("onset: a plateau, a slope and blips are one word each; what is larger is told again") {
  Onset onset(100);
  int words = 0;
  const auto feed = [&](float evidence, int times) {
    words = 0;
    for (int i = 0; i < times; ++i) words += onset.step(evidence) > 0.4F;
  };
  feed(0, 10);
  feed(1, 20);
  CHECK(words == 1);
  feed(0.4F, 5);
  CHECK(words == 0);
  feed(1, 1);  // the same again, soon after
  CHECK(words == 0);
  feed(3, 1);
  CHECK(words == 1);
  feed(0, 1000);
  feed(1, 1);  // long after
  CHECK(words == 1);
  CHECK(onset.step(kUnknown) == 0);
  CHECK(onset.step(1e30F) <= 1);
}
