// SPDX-License-Identifier: Apache-2.0
// What a whole group does at once, each series less far than would be worth a word.
#include "detect/multivariate/joint_change.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/model/state_io.h"
#include "tests/unit/detect/scorer/scorer_world.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

constexpr double kSeconds = 300;
constexpr float kSmoothing = 0.4F;

// So many days of squares that stray around 1.
JointChange settled(int days) {
  JointChange joint;
  for (int i = 0; i < days * 288; ++i)
    joint.step(1 + 0.3F * static_cast<float>(test::noise(1, static_cast<std::uint64_t>(i))), kSmoothing, kSeconds,
               true);
  return joint;
}

// The highest page while all series of a group step to and fro by less than their dead zone, after two quiet weeks.
float page_of_small_steps(std::size_t series) {
  test::ScorerWorld world(series, std::chrono::minutes(5));
  world.run(14 * 288);
  float most = 0;
  for (int i = 0; i < 6; ++i) {
    const double to = i % 2 == 0 ? 0.9 : -0.9;
    const auto value = [&](std::size_t each) {
      const double middle = 10 + static_cast<double>(each);
      return std::optional(middle + to + 0.1 * (world.ordinary(each) - middle));
    };
    most = std::max(most, world.step(value).page);
  }
  return most;
}

}  // namespace

TEST_CASE("joint change: the usual is no evidence, much more than usual at once is") {
  JointChange joint = settled(14);
  float most = 0;
  for (int i = 0; i < 288; ++i)
    most = std::max(most, joint.step(1 + 0.3F * static_cast<float>(test::noise(2, static_cast<std::uint64_t>(i))),
                                     kSmoothing, kSeconds, true));
  CHECK(most < 20);
  (void)joint.step(5, kSmoothing, kSeconds, true);
  CHECK(joint.step(5, kSmoothing, kSeconds, true) > 60);
  CHECK(joint.step(5, kSmoothing, kSeconds, true) <= 500);
}

TEST_CASE("joint change: little is said in the first days, and nothing is learned while held") {
  JointChange young = settled(1), old = settled(14), held = old;
  for (int i = 0; i < 2; ++i) young.step(5, kSmoothing, kSeconds, true), old.step(5, kSmoothing, kSeconds, true);
  CHECK(young.step(5, kSmoothing, kSeconds, true) < old.step(5, kSmoothing, kSeconds, true) / 3);
  for (int i = 0; i < 2000; ++i) held.step(5, kSmoothing, kSeconds, false);
  CHECK(held.step(5, kSmoothing, kSeconds, false) > 60);
}

TEST_CASE("joint change: one series cannot shout for a group; what is no number counts as the most") {
  CHECK(JointChange::square_of(1) == 1);
  CHECK(JointChange::square_of(-1e6F) == 6.25F);
  CHECK(JointChange::square_of(std::numeric_limits<float>::quiet_NaN()) == 6.25F);
  CHECK(JointChange::square_of(std::numeric_limits<float>::infinity()) == 6.25F);
}

TEST_CASE("joint change: kept whole, it goes on bit by bit; what cannot be is refused") {
  JointChange joint = settled(3), again;
  StateWriter writer;
  put_whole(writer, joint);
  StateReader reader(writer.bytes());
  get_whole(reader, again);
  CHECK(reader.good());
  for (int i = 0; i < 50; ++i)
    CHECK(joint.step(static_cast<float>(i % 7), kSmoothing, kSeconds, true) ==
          again.step(static_cast<float>(i % 7), kSmoothing, kSeconds, true));
  StateWriter wrong;
  wrong.put(std::numeric_limits<float>::quiet_NaN());
  for (int i = 0; i < 3; ++i) wrong.put(0.0);
  StateReader refused(wrong.bytes());
  get_whole(refused, again);
  CHECK_FALSE(refused.good());
}

TEST_CASE("scorer: many small steps at once are a page in a large group, and none in a small one") {
  CHECK(page_of_small_steps(12) > 8);
  CHECK(page_of_small_steps(7) < 8);
}
