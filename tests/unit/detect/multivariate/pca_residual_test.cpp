// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstring>

#include "detect/multivariate/member_input.h"
#include "detect/multivariate/residual_score.h"
#include "tests/unit/detect/multivariate/group_world.h"

using namespace hostmedic;
using test::GroupWorld;

TEST_CASE("the residual sees a break of correlation that no series shows by itself") {
  constexpr std::size_t kMembers = 12;
  auto model = test::group_model("pca_residual", kMembers), twin = test::group_model("pca_residual", kMembers);
  GroupWorld world(kMembers);
  for (int i = 0; i < 3000; ++i) {
    world.next();
    (void)model->step(world.reading());
    (void)twin->step(world.reading());
  }
  float sick = 0, healthy = 0;
  int named = 0, moments = 0;
  for (int i = 0; i < 300; ++i) {
    world.next();
    healthy = std::max(healthy, twin->step(world.reading()));
    // Member 4 goes up where its cause goes down, and no farther than ever.
    if (std::abs(world.deviations[4]) < 1.2F || std::abs(world.deviations[4]) > 2.5F) continue;
    world.set(4, -world.deviations[4]);
    sick = std::max(sick, model->step(world.reading(false)));
    ++moments;
    named += test::first_named(*model, kMembers) == 4 ? 1 : 0;
  }
  REQUIRE(moments > 20);
  CHECK(sick > 5);
  CHECK(healthy < 3);
  CHECK(named >= moments - 2);
}

TEST_CASE("a few moments far out do not turn the directions towards themselves") {
  constexpr std::size_t kMembers = 10;
  constexpr auto kMinute = std::chrono::minutes(1);
  auto model = test::group_model("pca_residual", kMembers, kMinute);
  GroupWorld world(kMembers, kMinute);
  (void)test::live(*model, world, 5000);
  float first = 0, last = 0;
  for (int i = 0; i < 5; ++i) {
    world.next();
    world.set(3, 50);
    world.set(4, -50);
    last = model->step(world.reading());
    if (i == 0) first = last;
  }
  CHECK(first > 100);
  CHECK(last > 10);
}

TEST_CASE("a single series breaks no correlation, however far out it is") {
  auto model = test::group_model("pca_residual", 1);
  GroupWorld world(1);
  (void)test::live(*model, world, 1000);
  world.next();
  world.set(0, 40);
  CHECK(model->step(world.reading()) == 0);
  CHECK(test::shares_of(*model, 1) == std::vector<float>{0});
}

TEST_CASE("a residual that is no number is no score") {
  detect::ResidualScore judge(std::chrono::minutes(1));
  judge.resize(2);
  detect::MemberInput input(1);
  input.resize(2);
  (void)input.take(std::vector<float>{0, 0});
  CHECK(judge.judge(std::vector<float>{0.1F, -0.1F}, input, true) == 0);
  CHECK(judge.judge(std::vector<float>{0.1F, 9}, input, true) > 1);
  CHECK_FALSE(std::isfinite(judge.judge(std::vector<float>{0.1F, NAN}, input, false)));
  std::vector<float> shares(2);
  judge.shares(shares);
  CHECK(shares == std::vector<float>{0, 0});
}

TEST_CASE("a model whose memory is beyond numbers says so, and is well again when it is loaded anew") {
  constexpr std::size_t kMembers = 4;
  auto model = test::group_model("pca_residual", kMembers);
  GroupWorld world(kMembers);
  (void)test::live(*model, world, 600);
  const std::string good = test::saved(*model);
  std::string bad = good;
  // Directions come last, each as its length and its floats. Each number is one that is allowed.
  constexpr std::size_t kDirections = 4;
  const float huge = 3e38F;
  for (std::size_t i = 0; i < kMembers; ++i)
    std::memcpy(bad.data() + bad.size() - kDirections * (4 + 4 * kMembers) + 4 + 4 * i, &huge, sizeof huge);
  detect::StateReader reader(bad);
  REQUIRE(model->load(reader));
  CHECK(model->healthy());
  world.next();
  CHECK(std::isnan(model->step(world.reading())));
  CHECK_FALSE(model->healthy());
  world.next();
  CHECK(std::isnan(model->step(world.reading())));
  detect::StateReader again(good);
  REQUIRE(model->load(again));
  CHECK(model->healthy());
  CHECK(model->step(world.reading()) >= 0);
}
