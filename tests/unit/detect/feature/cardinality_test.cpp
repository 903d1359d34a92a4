// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "agent/base/text.h"
#include "detect/feature/cardinality.h"

using namespace hostmedic;
using detect::HyperLogLog;
using detect::MovingCardinality;

namespace {
std::uint64_t hash(int i) { return fnv1a("10.0.0." + std::to_string(i)); }
}  // namespace

TEST_CASE("the count is within three standard errors, and repetitions do not count") {
  for (const int count : {0, 1, 5, 50, 500, 5000, 50000}) {
    CAPTURE(count);
    HyperLogLog sketch;
    for (int round = 0; round < 2; ++round)
      for (int i = 0; i < count; ++i) sketch.add(hash(i));
    CHECK(std::abs(sketch.count() - count) <= 3 * 0.065 * count + 0.5);
  }
}

TEST_CASE("merged, both count") {
  HyperLogLog one, other;
  for (int i = 0; i < 1000; ++i) one.add(hash(i));
  for (int i = 500; i < 2000; ++i) other.add(hash(i));
  one.merge(other);
  CHECK(one.count() == doctest::Approx(2000).epsilon(0.2));
}

TEST_CASE("the moving count forgets what is older than two windows, and tells a shift") {
  MovingCardinality moving(60);
  int next = 0;
  for (int t = 0; t < 600; ++t) {
    moving.step(1);
    for (int i = 0; i < 5; ++i) moving.add(hash(next++ % 100));  // the same hundred
  }
  CHECK(moving.count() == doctest::Approx(100).epsilon(0.2));
  CHECK(std::abs(moving.shift()) < 3);
  for (int t = 0; t < 65; ++t) {
    moving.step(1);
    for (int i = 0; i < 5; ++i) moving.add(hash(1000 + next++));  // always others
  }
  CHECK(moving.shift() > 5);
  for (int t = 0; t < 130; ++t) moving.step(1);
  CHECK(moving.count() == 0);
}
