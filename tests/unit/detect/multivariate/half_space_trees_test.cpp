// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/detect/multivariate/group_world.h"

using namespace hostmedic;
using test::GroupWorld;

namespace {
constexpr auto kMinute = std::chrono::minutes(1);
}

TEST_CASE("half-space trees find a moment where hardly any was, and whose doing it is") {
  constexpr std::size_t kMembers = 6;
  auto model = test::group_model("half_space_trees", kMembers, kMinute);
  GroupWorld world(kMembers, kMinute);
  const float usual = test::live(*model, world, 3000);
  float first = 0;
  for (int i = 0; i < 10; ++i) {
    world.next();
    world.set(1, 9);
    world.set(2, -9);
    world.set(4, 9);
    first = std::max(first, model->step(world.reading()));
  }
  CHECK(first > usual);
  const std::vector<float> shares = test::shares_of(*model, kMembers);
  CHECK(shares[1] + shares[2] + shares[4] > 0.7F);
}

TEST_CASE("half-space trees judge by the window before: what lasts longer than a day becomes usual") {
  constexpr std::size_t kMembers = 4;
  auto model = test::group_model("half_space_trees", kMembers, kMinute);
  GroupWorld world(kMembers, kMinute);
  (void)test::live(*model, world, 1440);
  float first_day = 0, third_day = 0;
  for (int i = 0; i < 3 * 1440; ++i) {
    world.next();
    world.set(1, world.deviations[1] + 6);
    const float score = model->step(world.reading());
    (i < 1440 ? first_day : third_day) += (i < 1440 || i >= 2 * 1440 ? score : 0) / 1440;
  }
  CHECK(first_day > third_day + 0.5F);
}
