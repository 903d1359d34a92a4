// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstring>

#include "detect/multivariate/gru_cell.h"
#include "tests/unit/detect/multivariate/group_world.h"

using namespace hostmedic;
using test::GroupWorld;

namespace {

constexpr std::size_t kMembers = 6;

// Members beat in a pattern of four, each later than the one before it: what comes next follows from the last ones.
void beat(GroupWorld& world, int moment, std::size_t late_member = kMembers) {
  constexpr float kPattern[] = {2, 0.5F, -1.5F, -1};
  world.next();
  for (std::size_t m = 0; m < kMembers; ++m) {
    const std::size_t at = static_cast<std::size_t>(moment) + m + (m == late_member ? 2 : 0);
    world.set(m, kPattern[at % 4] + 0.05F * world.uneven());
  }
}

}  // namespace

TEST_CASE("the recurrent forecaster learns a pattern, says by how much it is better than nothing, and sees it break") {
  auto model = test::group_model("gru_forecaster", kMembers);
  GroupWorld world(kMembers);
  int moment = 0;
  beat(world, moment++);
  (void)model->step(world.reading());
  CHECK(std::isnan(model->loss()));
  for (; moment < 500; ++moment) beat(world, moment), (void)model->step(world.reading());
  const float early = model->loss();
  for (; moment < 12'000; ++moment) beat(world, moment), (void)model->step(world.reading());
  const float late = model->loss();
  MESSAGE("loss over that of no change, after 500 and 12,000 readings: ", early, " ", late);
  CHECK(late < early);
  CHECK(late < 0.1F);

  float healthy = 0;
  for (int i = 0; i < 200; ++i) {
    beat(world, moment++);
    healthy = std::max(healthy, model->step(world.reading(false)));
  }
  // Values that it always has, at another beat.
  beat(world, moment++, 3);
  CHECK(model->step(world.reading(false)) > healthy + 5);
  CHECK(test::first_named(*model, kMembers) == 3);
  CHECK(test::shares_of(*model, kMembers)[3] > 0.8F);
}

TEST_CASE("the network stays within its parameters for any number of members") {
  detect::GruCell cell(1);
  for (const std::size_t members : {1U, 38U, 140U, 200U, 256U}) {
    cell.resize(members);
    CHECK(cell.parameters() <= detect::GruCell::kMostParameters);
    CHECK(cell.hidden() >= 8);
  }
}

TEST_CASE("a network whose weights are beyond numbers says so") {
  auto model = test::group_model("gru_forecaster", kMembers);
  GroupWorld world(kMembers);
  (void)test::live(*model, world, 1200);
  // What the step would be: a training on extremes moves no weight far.
  for (int i = 0; i < 500; ++i) {
    world.next();
    for (std::size_t m = 0; m < kMembers; ++m) world.set(m, (i / 3 + m) % 2 == 0 ? 3e38F : -3e38F);
    CHECK(std::isfinite(model->step(world.reading())));
  }
  CHECK(model->healthy());

  // Finite, and still no weights of members, which lie about here: gates would hide it, outputs do not.
  const std::string good = test::saved(*model);
  bool noticed = false;
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string bytes = good;
    const float huge = 3e38F;
    for (std::size_t at = 3500 + shift; at < 4800; at += 4) std::memcpy(&bytes[at], &huge, sizeof huge);
    detect::StateReader reader(bytes);
    if (!model->load(reader)) continue;
    for (int i = 0; i < 3; ++i) world.next(), (void)model->step(world.reading());
    noticed = noticed || (!model->healthy() && std::isnan(model->step(world.reading())));
  }
  CHECK(noticed);
  detect::StateReader again(good);
  REQUIRE(model->load(again));
  CHECK(model->healthy());
}
