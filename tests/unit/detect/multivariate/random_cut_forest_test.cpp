// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "detect/multivariate/random_cut_tree.h"
#include "tests/unit/detect/multivariate/group_world.h"

using namespace hostmedic;
using test::GroupWorld;

TEST_CASE("a random cut forest finds a moment that is far from all it keeps, and whose doing it is") {
  constexpr std::size_t kMembers = 8;
  auto model = test::group_model("random_cut_forest", kMembers);
  GroupWorld world(kMembers);
  const float usual = test::live(*model, world, 1500);
  CHECK(usual < 3);
  world.next();
  world.set(2, 7);
  world.set(5, -7);
  CHECK(model->step(world.reading()) > usual);
  const std::vector<float> shares = test::shares_of(*model, kMembers);
  CHECK(shares[2] + shares[5] > 0.8F);
  CHECK(shares[2] > 0.2F);
  CHECK(shares[5] > 0.2F);
}

TEST_CASE("a random cut forest gets used to what lasts") {
  auto model = test::group_model("random_cut_forest", 4);
  GroupWorld world(4);
  const float usual = test::live(*model, world, 1000);
  float first = 0, last = 0;
  for (int i = 0; i < 3000; ++i) {
    world.next();
    world.set(1, world.deviations[1] + 12);
    last = model->step(world.reading());
    if (i == 0) first = last;
  }
  CHECK(first > usual);
  CHECK(last < usual);
}

TEST_CASE("a random cut forest with points beyond numbers says so") {
  constexpr std::size_t kMembers = 6, kKept = detect::RandomCutTree::kMostLeaves;
  auto model = test::group_model("random_cut_forest", kMembers);
  GroupWorld world(kMembers);
  (void)test::live(*model, world, 3000);
  std::string bytes = test::saved(*model);
  // The last tree's last point lies before the list of what it keeps: a count, then a key and a leaf each.
  const std::size_t list = 4 + kKept * (sizeof(double) + sizeof(detect::RandomCutTree::Leaf));
  const float huge = 3e38F;
  for (std::size_t i = 0; i < kMembers; ++i)
    std::memcpy(&bytes[bytes.size() - list - (i + 1) * sizeof huge], &huge, sizeof huge);
  detect::StateReader reader(bytes);
  REQUIRE(model->load(reader));
  world.next();
  for (std::size_t i = 0; i < kMembers; ++i) world.set(i, -50);
  CHECK(std::isnan(model->step(world.reading())));
  CHECK_FALSE(model->healthy());
}

TEST_CASE("a random cut tree gives back every leaf and node, whatever the order") {
  constexpr std::size_t kDimensions = 3, kMost = detect::RandomCutTree::kMostLeaves;
  detect::RandomCutTree tree;
  tree.resize(kDimensions);
  detect::Random random(5);
  std::vector<detect::RandomCutTree::Leaf> leaves;
  const auto insert = [&] {
    // Coarse, so that some points are equal.
    std::array<float, kDimensions> point{};
    for (float& x : point) x = static_cast<float>(random.below(8));
    leaves.push_back(tree.insert(point, random));
  };
  const auto remove = [&] {
    const std::size_t at = random.below(static_cast<std::uint32_t>(leaves.size()));
    tree.remove(leaves[at]);
    leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(at));
  };
  for (int round = 0; round < 30; ++round) {
    while (leaves.size() < kMost) insert();
    CHECK(tree.points() == kMost);
    const std::size_t down_to = random.below(40);
    while (leaves.size() > down_to) remove();
    CHECK(tree.points() == down_to);
  }
  while (leaves.size() < kMost) insert();
  CHECK(std::set(leaves.begin(), leaves.end()).size() < kMost);

  // In the middle of the points a place is usual, far outside it is not; and outside in one dimension is its doing.
  std::array<float, kDimensions> blame{}, unused{};
  const float inside = tree.score(std::array<float, 3>{3.5F, 3.5F, 3.5F}, unused);
  const float outside = tree.score(std::array<float, 3>{3.5F, 50, 3.5F}, blame);
  CHECK(outside > 2 * inside);
  CHECK(blame[1] > 0.9F * outside);
}
