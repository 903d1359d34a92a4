// SPDX-License-Identifier: Apache-2.0
// What the always-on path of detection costs, per series and step of 3,000 series at one second: its kernel with and
// without AVX2, then the whole scorer by what is switched on. Processor time and instructions, the least of five runs.
// usage: bench_scorer [CASE]: only the cases whose name contains it, once, for a counting tool such as callgrind.
#include <cstdio>
#include <string_view>
#include <vector>

#include "detect/scorer.h"
#include "detect/univariate/level_change.h"
#include "tests/bench/instructions.h"

namespace {

using namespace hostmedic;
using namespace hostmedic::detect;

constexpr std::size_t kSeries = 3000, kSteps = 240;

double noise(std::size_t i) { return 0.6 + static_cast<double>(i * 2654435761U % 1000) / 1e5; }

void print(const char* name, const bench::Taken& taken, double bytes) {
  std::printf("%-48s %8.1f ns", name, taken.ns);
  taken.instructions ? std::printf(" %8.1f instructions", *taken.instructions) : std::printf("        - instructions");
  std::printf(" %7.0f bytes\n", bytes);
}

void bench_kernel(const bench::Counter& counter, const char* name,
                  void (*step)(std::span<LevelBlock>, SeasonBlocks, std::size_t, const LevelWeights&)) {
  std::vector<LevelBlock> blocks(kSeries / kLanes);
  const std::vector<SeasonBlock> seasons(blocks.size());
  for (LevelBlock& block : blocks)
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      block.reset(lane);
      block.forget[lane] = 1e-6F;
      block.smoothing[lane] = 0.01F;
      block.x[lane] = static_cast<float>(noise(lane + static_cast<std::size_t>(&block - blocks.data()) * kLanes));
    }
  print(name,
        counter.best(kSeries * kSteps,
                     [&] {
                       for (std::size_t i = 0; i < kSteps; ++i) step(blocks, seasons, 0, {});
                     }),
        static_cast<double>(sizeof(LevelBlock) + sizeof(SeasonBlock)) / kLanes);
}

void bench_scorer(const bench::Counter& counter, const char* name, std::size_t groups,
                  std::vector<std::pair<std::string, ModelMode>> modes) {
  ScorerConfig config;
  config.modes = std::move(modes);
  const auto scorer = *Scorer::make(config);
  std::vector<Slot> slots;
  for (std::size_t group = 0; group < groups; ++group) {
    const GroupSlot slot = scorer->add_group(group);
    for (std::size_t i = 0; i < kSeries / groups; ++i)
      slots.push_back(*scorer->add(slot, Unit::count, Instrument::gauge));
  }
  std::vector<double> values;
  for (std::size_t i = 0; i < kSeries + 64; ++i) values.push_back(noise(i));
  std::int64_t now = 0;
  const bench::Taken taken = counter.best(kSteps * kSeries, [&] {
    for (std::size_t i = 0; i < kSteps; ++i) {
      for (const Slot slot : slots) scorer->set(slot, values[slot + static_cast<std::size_t>(now % 64)]);
      const Duration at = config.interval * ++now;
      scorer->step(MonoTime(at), WallTime(at));
    }
  });
  print(name, taken, static_cast<double>(scorer->bytes_used()) / kSeries);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view only = argc > 1 ? argv[1] : "";
  const bench::Counter counter;
  if (!counter.why_not().empty()) std::printf("instructions are not counted here: %s\n", counter.why_not().c_str());
  const auto wanted = [&](std::string_view name) { return name.find(only) != std::string_view::npos; };
  if (wanted("kernel, AVX2")) {
    if (has_avx2())
      bench_kernel(counter, "kernel, AVX2", step_levels_avx2);
    else
      std::puts("kernel, AVX2: this processor has none");
  }
  if (wanted("kernel, plain")) bench_kernel(counter, "kernel, plain", step_levels_plain);
  constexpr ModelMode kOff = ModelMode::off, kShadow = ModelMode::shadow;
  const std::pair<std::string, ModelMode> no_season{"season", kOff}, no_shape{"shape", kOff},
      no_residual{"pca_residual", kOff}, no_forecaster{"gru_forecaster", kOff};
  const struct {
    const char* name;
    std::vector<std::pair<std::string, ModelMode>> modes;
  } cases[] = {
      {"scorer, level and change", {no_season, no_shape, no_residual, no_forecaster}},
      {"scorer, and season", {no_shape, no_residual, no_forecaster}},
      {"scorer, and shapes: the always-on path", {no_residual, no_forecaster}},
      {"scorer, and the residual: all that serves", {no_forecaster}},
      {"scorer, and the recurrent shadow: as shipped", {}},
      {"scorer, everything but the recurrent model",
       {no_forecaster, {"kmeans_netdata", kShadow}, {"half_space_trees", kShadow}, {"random_cut_forest", kShadow}}},
  };
  for (const auto& each : cases)
    if (wanted(each.name)) bench_scorer(counter, each.name, 30, each.modes);
}
