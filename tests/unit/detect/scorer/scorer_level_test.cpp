// SPDX-License-Identifier: Apache-2.0
#include "detect/univariate/level_change.h"

#include <doctest/doctest.h>

#include <bit>
#include <limits>
#include <vector>

#include "detect/univariate/season.h"
#include "tests/unit/detect/scorer/scorer_world.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

constexpr std::size_t kHour = 7;
constexpr float kMostPower = 2365;                               // 500^(5/4)
constexpr std::uint64_t kExpectedHash = 5618668400222817218ULL;  // of GCC 12 and of Clang 19

std::vector<LevelBlock> fresh_blocks(std::size_t count) {
  std::vector<LevelBlock> blocks(count);
  for (LevelBlock& block : blocks)
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      block.reset(lane);
      block.forget[lane] = 1e-4F;
      block.smoothing[lane] = 0.05F;
    }
  return blocks;
}

// Every kind of value: ordinary, missing, huge, constant, alternating.
float wild(std::size_t series, std::uint64_t step) {
  const double noise = test::noise(series, step);
  switch (series % 6) {
    case 0: return static_cast<float>(noise);
    case 1: return step % 7 == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(1e9 + 1e6 * noise);
    case 2: return 5;
    case 3: return static_cast<float>(step % 2 == 0 ? 1e17 : -1e17);
    case 4: return static_cast<float>(step < 500 ? noise * 1e-6 : 3 + noise * 1e-6);
    default: return static_cast<float>(static_cast<double>(step) + noise);
  }
}

std::uint64_t hash_of(const std::vector<LevelBlock>& blocks) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const LevelBlock& block : blocks)
    for (const auto field :
         {&LevelBlock::mean, &LevelBlock::variance, &LevelBlock::variance_change, &LevelBlock::low, &LevelBlock::high,
          &LevelBlock::prior, &LevelBlock::variance_smooth, &LevelBlock::level, &LevelBlock::change,
          &LevelBlock::season, &LevelBlock::lasting, &LevelBlock::power, &LevelBlock::variance_season})
      for (const float value : block.*field) hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 1099511628211ULL;
  return hash;
}

}  // namespace

TEST_CASE("the kernel gives the same bits with and without AVX2, and with every compiler") {
  auto plain = fresh_blocks(12), wide = fresh_blocks(12);
  std::vector<SeasonBlock> seasons(plain.size());
  for (std::uint64_t step = 0; step < 1500; ++step) {
    for (std::size_t i = 0; i < plain.size() * kLanes; ++i) {
      plain[i / kLanes].x[i % kLanes] = wide[i / kLanes].x[i % kLanes] = wild(i, step);
      if (step == 700) {
        seasons[i / kLanes].units[i % kLanes] = 0.1F;
        seasons[i / kLanes].offsets[kHour][i % kLanes] = 1;
        seasons[i / kLanes].spreads[kHour][i % kLanes] = 0x3E4D;  // 0.2
      }
    }
    step_levels_plain(plain, seasons, kHour, {});
    if (has_avx2())
      step_levels_avx2(wide, seasons, kHour, {});
    else
      step_levels_plain(wide, seasons, kHour, {});
  }
  if (!has_avx2()) MESSAGE("no AVX2 here: only the plain kernel was run");
  CHECK(hash_of(plain) == hash_of(wide));
  CHECK(hash_of(plain) == kExpectedHash);
  for (const LevelBlock& block : plain)
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      CHECK(block.power[lane] >= 0);
      CHECK(block.power[lane] <= kMostPower);
      CHECK(block.lasting[lane] <= 500);
      CHECK(block.variance[lane] >= 0);
    }
}

TEST_CASE("a lane without news, and a lane that may not learn, keep what they knew") {
  auto blocks = fresh_blocks(1);
  const std::vector<SeasonBlock> seasons(1);
  for (std::uint64_t step = 0; step < 100; ++step) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) blocks[0].x[lane] = static_cast<float>(test::noise(lane, step));
    step_levels(blocks, seasons, kHour, {});
  }
  const LevelBlock before = blocks[0];
  blocks[0].set_learns(1, false);
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    blocks[0].x[lane] = lane == 0 ? std::numeric_limits<float>::quiet_NaN() : 50.0F;
  step_levels(blocks, seasons, kHour, {});
  CHECK(blocks[0].mean[0] == before.mean[0]);
  CHECK(blocks[0].power[0] == before.power[0]);
  CHECK(blocks[0].mean[1] == before.mean[1]);
  CHECK(blocks[0].high[1] == before.high[1]);
  CHECK(blocks[0].power[1] > 20);
  CHECK(blocks[0].mean[2] > before.mean[2]);
  CHECK_FALSE(blocks[0].learns(1));
  blocks[0].set_learns(1, true);
  CHECK(blocks[0].learns(1));
  CHECK(blocks[0].forget[1] == before.forget[1]);
}

TEST_CASE("the profile of a day: known hour by hour, follows slowly, survives a change of its unit") {
  SeasonProfile profile;
  CHECK(profile.offset(3) == 0);
  CHECK(std::isinf(profile.spread(3)));
  profile.add(3, 60 * 2.0F, 60 * 4.25F, 60);
  CHECK(profile.offset(3) == doctest::Approx(2).epsilon(0.001));
  CHECK(profile.spread(3) == doctest::Approx(0.25).epsilon(0.01));
  profile.add(4, 60 * -5e4F, 60 * 25e8F, 60);  // another unit
  CHECK(profile.offset(4) == doctest::Approx(-5e4).epsilon(0.001));
  CHECK(profile.offset(3) == doctest::Approx(2).epsilon(0.9));
  profile.add(4, 0, 0, 0);                                       // an hour without readings
  profile.add(4, std::numeric_limits<float>::infinity(), 1, 1);  // and one of nonsense
  CHECK(profile.offset(4) == doctest::Approx(-5e4).epsilon(0.001));
  StateWriter writer;
  profile.save(writer);
  SeasonProfile again;
  StateReader reader(writer.bytes());
  CHECK(again.load(reader));
  CHECK(again.offset(4) == profile.offset(4));
  CHECK(again.spread(3) == profile.spread(3));
  // In a block, beside others that know nothing.
  SeasonBlock block;
  block.set(5, profile);
  CHECK(block.profile(5).offset(4) == profile.offset(4));
  CHECK(block.profile(5).spread(3) == profile.spread(3));
  CHECK(std::isinf(block.profile(4).spread(3)));
  CHECK(std::isinf(block.profile(6).spread(4)));
  CHECK(SeasonProfile::hour_of(wall_from_ns(-1)) == 23);
}
