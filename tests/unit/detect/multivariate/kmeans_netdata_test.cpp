// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstring>

#include "tests/unit/detect/multivariate/group_world.h"

using namespace hostmedic;
using test::GroupWorld;

namespace {
constexpr auto kMinute = std::chrono::minutes(1);
}

TEST_CASE("Netdata's scheme calls a member anomalous whose differences are farther out than ever in its windows") {
  constexpr std::size_t kMembers = 10;
  auto model = test::group_model("kmeans_netdata", kMembers, kMinute);
  GroupWorld world(kMembers, kMinute);
  // Two days, by which all 18 models are there.
  (void)test::live(*model, world, 2 * 1440);
  float healthy = 0, sick = 0;
  for (int i = 0; i < 200; ++i) {
    world.next();
    healthy += model->step(world.reading()) / 200;
  }
  CHECK(healthy < 0.02F);
  for (int i = 0; i < 5; ++i) {
    world.next();
    world.set(3, static_cast<float>(6 * i));
    sick = model->step(world.reading());
  }
  // One of ten members, for three of the last five minutes at least.
  CHECK(sick > 0.055F);
  CHECK(test::first_named(*model, kMembers) == 3);
  CHECK(test::shares_of(*model, kMembers)[3] > 0.8F);
}

TEST_CASE("Netdata's scheme does not see a level that was reached slowly, which is its weakness") {
  auto model = test::group_model("kmeans_netdata", 4, kMinute), twin = test::group_model("kmeans_netdata", 4, kMinute);
  GroupWorld world(4, kMinute);
  for (int i = 0; i < 2 * 1440; ++i) {
    world.next();
    (void)model->step(world.reading());
    (void)twin->step(world.reading());
  }
  float slow = 0, healthy = 0;
  for (int i = 0; i < 400; ++i) {
    world.next();
    healthy += twin->step(world.reading()) / 400;
    world.set(1, world.deviations[1] + 0.05F * static_cast<float>(i));
    slow += model->step(world.reading()) / 400;
  }
  CHECK(slow < healthy + 0.01F);
}

TEST_CASE("Netdata's scheme never calls a constant member anomalous, and trains it as soon as it moves") {
  auto model = test::group_model("kmeans_netdata", 2, kMinute);
  GroupWorld world(2, kMinute);
  float score = 0;
  for (int i = 0; i < 300; ++i) {
    world.next();
    world.values = {5, 7};
    score = model->step(world.reading());
  }
  CHECK(score == 0);
  world.values = {5, 90};
  world.jump(std::chrono::minutes(1));
  CHECK(model->step(world.reading()) == 0);
}

TEST_CASE("Netdata's scheme with centres beyond numbers says so") {
  auto model = test::group_model("kmeans_netdata", 3, kMinute);
  GroupWorld world(3, kMinute);
  (void)test::live(*model, world, 100);
  std::string bytes = test::saved(*model);
  // A member's last model comes last: two centres, each its length and its numbers, and its two distances.
  const float huge = 3e38F;
  std::memcpy(&bytes[bytes.size() - 3 * sizeof huge], &huge, sizeof huge);
  detect::StateReader reader(bytes);
  REQUIRE(model->load(reader));
  world.next();
  CHECK(std::isnan(model->step(world.reading())));
  CHECK_FALSE(model->healthy());
}
