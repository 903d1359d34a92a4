// SPDX-License-Identifier: Apache-2.0
// This file is compiled with -fno-math-errno -ffp-contract=off and vectorised loops (CMakeLists.txt): the results are
// those of IEEE arithmetic in the written order, whatever the compiler and the vector width.
#include "detect/univariate/level_change.h"

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
[[gnu::always_inline]] inline void step_block(LevelBlock& b, const LevelWeights& w) {
  float news = 0;
  for (std::size_t i = 0; i < kLanes; ++i) news += b.x[i] == b.x[i] ? 1.0F : 0.0F;
  if (news == 0) return;
  for (std::size_t i = 0; i < kLanes; ++i) {
    const bool fresh = b.x[i] == b.x[i];
    const float x = fresh ? b.x[i] : b.mean[i];
    const float range = b.high[i] - b.low[i], square = range * range;
    const float assumed = b.prior[i] * kPrior * square + kFloor * square + kLeast;
    const float assumed_change = b.prior[i] * kPrior * square + kFloorChange * square + kLeast;
    const float known = 1 - b.prior[i];
    const float off = x - b.mean[i];
    const bool has_last = b.last[i] == b.last[i];
    const float step = has_last ? x - b.last[i] : 0.0F;
    // The first departure of what was constant has nothing to be measured by; the reading after it has.
    const float measure = range > 0 ? 1.0F : 0.0F;
    const float level = measure * off / std::sqrt(known * b.variance[i] + assumed);
    const float change = measure * step / std::sqrt(known * b.variance_change[i] + assumed_change);
    const float smooth = b.smooth[i] + b.smoothing[i] * (x - b.smooth[i]);
    const float off_smooth = smooth - b.mean[i];
    const float far = measure * off_smooth / std::sqrt(known * b.variance_smooth[i] + assumed);

    const bool seasonal = b.season_spread[i] < std::numeric_limits<float>::max();
    const float residual = off - (seasonal ? b.season_mean[i] : 0.0F);
    const float spread =
        0.5F * b.variance_season[i] + 0.5F * maximum(seasonal ? b.season_spread[i] : 0.0F, b.variance_season[i]);
    const float explained = 1 - b.variance_season[i] / maximum(b.variance[i], kLeast);
    const float trust = seasonal ? minimum(maximum(explained, 0.0F) / kSeasonExplains, 1.0F) * w.season : 0.0F;
    const float season = seasonal ? measure * residual / std::sqrt(known * spread + assumed) : 0.0F;

    const float sum = (1 - trust) * w.level * excess(level) + trust * excess(season) + w.change * excess(change) +
                      kSmoothWeight * w.level * excess(far);
    const float evidence = sum * kMostEvidence / (sum + kMostEvidence);

    const float a = maximum(b.forget[i], 1 / (b.readings[i] + 2));
    const float take = fresh ? a * b.learns[i] : 0.0F, keep = 1 - take;
    const float now = fresh ? 1.0F : 0.0F, learned = now * b.learns[i];
    const float take_change = has_last ? take : 0.0F;
    const float take_season =
        seasonal ? learned * maximum(b.forget[i], kSeasonPace / (b.readings[i] + kSeasonNew)) : 0.0F;
    b.variance_season[i] =
        seasonal ? (1 - take_season) * (b.variance_season[i] + take_season * residual * residual) : b.variance[i];
    b.season_sum[i] += learned * residual;
    b.season_squares[i] += learned * residual * residual;
    b.season_count[i] += learned;
    b.mean[i] += take * off;
    b.variance[i] = keep * (b.variance[i] + take * off * off);
    b.variance_smooth[i] = keep * (b.variance_smooth[i] + take * off_smooth * off_smooth);
    b.variance_change[i] = (1 - take_change) * (b.variance_change[i] + take_change * step * step);
    const float draw = learned * b.forget[i] * range;
    b.low[i] = minimum(b.low[i] + draw, learned > 0 ? x : b.low[i] + draw);
    b.high[i] = maximum(b.high[i] - draw, learned > 0 ? x : b.high[i] - draw);
    b.readings[i] += learned;
    b.prior[i] *= 1 - minimum(learned * b.forget[i] * kPriorFades, 1.0F);
    b.last[i] = fresh ? x : b.last[i];
    b.smooth[i] = fresh ? smooth : b.smooth[i];
    b.away[i] = std::fabs(far) > kDeadZone ? b.away[i] + now * b.forget[i] : (fresh ? 0.0F : b.away[i]);
    b.level[i] = fresh ? level : b.level[i];
    b.change[i] = fresh ? change : b.change[i];
    b.season[i] = fresh ? season : b.season[i];
    b.evidence[i] = fresh ? evidence : b.evidence[i];
    b.lasting[i] += now * b.smoothing[i] * (evidence - b.lasting[i]);
    b.power[i] = b.evidence[i] * std::sqrt(std::sqrt(b.evidence[i]));
  }
}

[[gnu::always_inline]] inline void step_all(std::span<LevelBlock> blocks, const LevelWeights weights) {
  for (LevelBlock& block : blocks) step_block(block, weights);
}

}  // namespace

void LevelBlock::reset(std::size_t lane) {
  for (Lanes* lanes :
       {&mean,   &variance,        &last,        &variance_change, &low,        &high,           &readings,
        &smooth, &variance_smooth, &season_mean, &variance_season, &season_sum, &season_squares, &season_count,
        &away,   &level,           &change,      &season,          &evidence,   &lasting,        &power,
        &forget, &smoothing})
    (*lanes)[lane] = 0;
  x[lane] = std::numeric_limits<float>::quiet_NaN();
  prior[lane] = learns[lane] = 1;
  season_spread[lane] = std::numeric_limits<float>::infinity();
}

void step_levels_plain(std::span<LevelBlock> blocks, const LevelWeights& weights) { step_all(blocks, weights); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] void step_levels_avx2(std::span<LevelBlock> blocks, const LevelWeights& weights) {
  step_all(blocks, weights);
}
bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#else
void step_levels_avx2(std::span<LevelBlock> blocks, const LevelWeights& weights) { step_all(blocks, weights); }
bool has_avx2() { return false; }
#endif

void step_levels(std::span<LevelBlock> blocks, const LevelWeights& weights) {
  if (has_avx2())
    step_levels_avx2(blocks, weights);
  else
    step_levels_plain(blocks, weights);
}

}  // namespace hostmedic::detect
