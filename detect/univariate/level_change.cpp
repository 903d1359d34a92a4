// SPDX-License-Identifier: Apache-2.0
// This file is compiled with -fno-math-errno -ffp-contract=off and vectorised loops (CMakeLists.txt): the results are
// those of IEEE arithmetic in the written order, whatever the compiler and the vector width.
#include "detect/univariate/level_change.h"

#include <bit>
#include <cmath>
#include <limits>

namespace hostmedic::detect {

namespace {

// Measured on SMD, ASD and the Microsoft cloud series together; neighbours of each value give nearly the same.
constexpr float kFloor = 0.02F * 0.02F;  // of the range, squared: the least deviation that is worth a look
constexpr float kFloorChange = kFloor / 9;
constexpr float kPrior = 0.2F * 0.2F;    // of the range, squared: spread that is assumed at first
constexpr float kSmoothWeight = 0.5F;    // of the smoothed level in the evidence
constexpr float kRestless = 0.01F;       // keeps order among what is inside the dead zone
constexpr float kMostEvidence = 500;     // one aspect of one series can shout no louder
constexpr float kSeasonExplains = 0.3F;  // of the variance: from here on the time of day stands for the level
constexpr float kSeasonNew = 100;        // readings: no faster than by this at first
constexpr float kSeasonPace = 2;         // the season's spread begins as the plain one, which must not stay in it
constexpr float kPriorFades = kMemoryDays * 86400 / 60'000.0F;  // 60,000 s are one e-fold of the prior
constexpr float kMostDeviations = 1e4F;  // more says no more, and its square is far from the end of float
constexpr float kLeast = std::numeric_limits<float>::min();

inline float maximum(float a, float b) { return a > b ? a : b; }
inline float minimum(float a, float b) { return a < b ? a : b; }

inline float excess(float deviations) {
  const float size = minimum(std::fabs(deviations), kMostDeviations);
  const float over = maximum(size - kDeadZone, 0.0F);
  return over * std::sqrt(over) + kRestless * size * size;
}

// Every operation is done in every lane, and what has no news keeps what it had: no branches.
[[gnu::always_inline]] inline void step_block(LevelBlock& b, const SeasonBlock& s, std::size_t hour,
                                              const LevelWeights& w) {
  float news = 0;
  for (std::size_t i = 0; i < kLanes; ++i) news += b.x[i] == b.x[i] ? 1.0F : 0.0F;
  if (news == 0) return;
  LevelBlock::Lanes season_mean, season_spread;
  for (std::size_t i = 0; i < kLanes; ++i) {
    season_mean[i] = static_cast<float>(s.offsets[hour][i]) * s.units[i];
    season_spread[i] = std::bit_cast<float>(static_cast<std::uint32_t>(s.spreads[hour][i]) << 16);
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    const bool fresh = b.x[i] == b.x[i];
    const float x = fresh ? b.x[i] : b.mean[i];
    const float range = b.high[i] - b.low[i], square = range * range;
    const float assumed = b.prior[i] * kPrior * square + kFloor * square + kLeast;
    const float assumed_change = b.prior[i] * kPrior * square + kFloorChange * square + kLeast;
    const float known = 1 - b.prior[i];
    const float off = x - b.mean[i];
    const float learns = std::bit_cast<std::int32_t>(b.forget[i]) < 0 ? 0.0F : 1.0F;
    const float forget = std::fabs(b.forget[i]);
    const bool has_last = b.last[i] == b.last[i];
    const float step = has_last ? x - b.last[i] : 0.0F;
    // The first departure of what was constant has nothing to be measured by; the reading after it has.
    const float measure = range > 0 ? 1.0F : 0.0F;
    const float level = measure * off / std::sqrt(known * b.variance[i] + assumed);
    const float change = measure * step / std::sqrt(known * b.variance_change[i] + assumed_change);
    const float smooth = b.smooth[i] + b.smoothing[i] * (x - b.smooth[i]);
    const float off_smooth = smooth - b.mean[i];
    const float far = measure * off_smooth / std::sqrt(known * b.variance_smooth[i] + assumed);

    const bool seasonal = season_spread[i] < std::numeric_limits<float>::max();
    const float residual = off - (seasonal ? season_mean[i] : 0.0F);
    const float spread =
        0.5F * b.variance_season[i] + 0.5F * maximum(seasonal ? season_spread[i] : 0.0F, b.variance_season[i]);
    const float explained = 1 - b.variance_season[i] / maximum(b.variance[i], kLeast);
    const float trust = seasonal ? minimum(maximum(explained, 0.0F) / kSeasonExplains, 1.0F) * w.season : 0.0F;
    const float season = seasonal ? measure * residual / std::sqrt(known * spread + assumed) : 0.0F;

    const float sum = (1 - trust) * w.level * excess(level) + trust * excess(season) + w.change * excess(change) +
                      kSmoothWeight * w.level * excess(far);
    const float evidence = sum * kMostEvidence / (sum + kMostEvidence);

    const float a = maximum(forget, 1 / (b.readings[i] + 2));
    const float take = fresh ? a * learns : 0.0F, keep = 1 - take;
    const float now = fresh ? 1.0F : 0.0F, learned = now * learns;
    const float take_change = has_last ? take : 0.0F;
    const float take_season = seasonal ? learned * maximum(forget, kSeasonPace / (b.readings[i] + kSeasonNew)) : 0.0F;
    b.variance_season[i] =
        seasonal ? (1 - take_season) * (b.variance_season[i] + take_season * residual * residual) : b.variance[i];
    b.season_sum[i] += learned * residual;
    b.season_squares[i] += learned * residual * residual;
    b.season_count[i] += learned;
    b.mean[i] += take * off;
    b.variance[i] = keep * (b.variance[i] + take * off * off);
    b.variance_smooth[i] = keep * (b.variance_smooth[i] + take * off_smooth * off_smooth);
    b.variance_change[i] = (1 - take_change) * (b.variance_change[i] + take_change * step * step);
    const float draw = learned * forget * range;
    b.low[i] = minimum(b.low[i] + draw, learned > 0 ? x : b.low[i] + draw);
    b.high[i] = maximum(b.high[i] - draw, learned > 0 ? x : b.high[i] - draw);
    b.readings[i] += learned;
    b.prior[i] *= 1 - minimum(learned * forget * kPriorFades, 1.0F);
    b.last[i] = fresh ? x : b.last[i];
    b.smooth[i] = fresh ? smooth : b.smooth[i];
    b.away[i] = std::fabs(far) > kDeadZone ? b.away[i] + now * forget : (fresh ? 0.0F : b.away[i]);
    b.level[i] = fresh ? level : b.level[i];
    b.change[i] = fresh ? change : b.change[i];
    b.season[i] = fresh ? season : b.season[i];
    b.lasting[i] += now * b.smoothing[i] * (evidence - b.lasting[i]);
    b.power[i] = fresh ? evidence * std::sqrt(std::sqrt(evidence)) : b.power[i];
  }
}

[[gnu::always_inline]] inline void step_all(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour,
                                            const LevelWeights weights) {
  for (std::size_t i = 0; i < blocks.size(); ++i) step_block(blocks[i], seasons[i], hour, weights);
}

}  // namespace

void LevelBlock::reset(std::size_t lane) {
  const auto clear = [lane](auto&... lanes) { ((lanes[lane] = 0), ...); };
  clear(mean, variance, last, variance_change, low, high, readings, smooth, variance_smooth, variance_season,
        season_sum, season_squares, season_count, forget, smoothing, away, level, change, season, lasting, power);
  x[lane] = std::numeric_limits<float>::quiet_NaN();
  prior[lane] = 1;
}

void step_levels_plain(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour,
                       const LevelWeights& weights) {
  step_all(blocks, seasons, hour, weights);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void step_levels_avx2(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour,
                                              const LevelWeights& weights) {
  step_all(blocks, seasons, hour, weights);
}
bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#else
void step_levels_avx2(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour,
                      const LevelWeights& weights) {
  step_all(blocks, seasons, hour, weights);
}
bool has_avx2() { return false; }
#endif

void step_levels(std::span<LevelBlock> blocks, SeasonBlocks seasons, std::size_t hour, const LevelWeights& weights) {
  if (has_avx2())
    step_levels_avx2(blocks, seasons, hour, weights);
  else
    step_levels_plain(blocks, seasons, hour, weights);
}

}  // namespace hostmedic::detect
