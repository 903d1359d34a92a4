// SPDX-License-Identifier: Apache-2.0
// The always-on models of one series, for many series at once: how far its level, its smoothed level, its change and
// its residual from the time of day are from usual, in usual deviations; and one number of evidence from them. All is
// relative to the series' own running range and spread, so no unit and no scale matters. State lies in blocks of
// kLanes series, so that the compiler makes vector code of plain loops; float32. Pure; allocates nothing.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>

#include "detect/univariate/season.h"

namespace hostmedic::detect {

struct LevelBlock {
  using Lanes = std::array<float, kLanes>;
  // What is known of the series. x is what set() gave, less the first value; NaN: no news in this step.
  alignas(32) Lanes x, mean, variance, last, variance_change, low, high;
  Lanes readings, prior;          // prior: weight of what is assumed while little was seen, from 1 to 0
  Lanes smooth, variance_smooth;  // of the level over some readings
  Lanes variance_season;
  Lanes season_sum, season_squares, season_count;  // of this time of today, not yet in the profile
  Lanes forget;     // share of a long memory that one reading is: period / memory; with a sign that learns() reads
  Lanes smoothing;  // weight of one reading in smooth
  Lanes away;       // for how long smooth has been far off, as a share of the memory
  // What came of the last reading; kept while there is no news. level, change and season in usual deviations, signed.
  Lanes level, change, season;
  Lanes lasting;  // evidence, smoothed: for who contributes most
  Lanes power;    // evidence^(5/4): what a group sums up

  void reset(std::size_t lane);
  // False: judged, but nothing is taken in.
  bool learns(std::size_t lane) const { return !std::signbit(forget[lane]); }
  void set_learns(std::size_t lane, bool learns) { forget[lane] = std::copysign(forget[lane], learns ? 1.0F : -1.0F); }
};

// Which members count in the evidence: 1 or 0. All are run in any case.
struct LevelWeights {
  float level = 1, change = 1, season = 1;
};

// One step over all lanes with news, at an hour of the seasons of the same series. AVX2 where the processor has it,
// with the same bits either way.
using SeasonBlocks = std::span<const SeasonBlock>;  // as many as blocks
void step_levels(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour, const LevelWeights& weights);
// The two instantiations, for tests and measuring. has_avx2(): false where it does not run.
bool has_avx2();
void step_levels_plain(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour,
                       const LevelWeights& weights);
void step_levels_avx2(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour,
                      const LevelWeights& weights);

// Deviations up to this count for (almost) nothing.
inline constexpr float kDeadZone = 3;
// A level is taken for the new normal when it has been far off for this share of the memory: 1 of 60 days.
inline constexpr float kMemoryDays = 60, kAdoptDays = 1;
// Larger values are no measurements; their squares would be no floats.
inline constexpr double kMostReading = 1e18;

}  // namespace hostmedic::detect
