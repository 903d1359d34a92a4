// SPDX-License-Identifier: Apache-2.0
// What detection costs. Prints, for each detector, nanoseconds per reading and bytes per instance, on three courses of
// values (flat, noise, a steady rise); then nanoseconds per sample of a whole engine step for 200, 2,000 and 20,000
// series with and without rules on them; then what the shipped conditions add; then snapshots and the frame codec. One
// thread; the best of five runs.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "detect/detectors.h"
#include "detect/engine.h"
#include "detect/model/codec.h"
#include "detect/model/names.h"
#include "tests/unit/detect/rules/all_series.h"

using namespace hostmedic;

namespace {

template <class Run>
double best_ns(std::size_t items, Run run) {
  double best = 1e18;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / static_cast<double>(items));
  }
  return best;
}

double course(int kind, std::size_t i) {
  const double noise = static_cast<double>(i * 2654435761U % 1000) / 1e5;
  if (kind == 0) return 0.6;
  if (kind == 1) return 0.6 + noise;
  return 0.5 + 1e-7 * static_cast<double>(i);
}

void bench_detector(const detect::DetectorInfo& info) {
  constexpr std::size_t kReadings = 200'000;
  std::vector<double> values;
  for (const detect::ParamSpec& spec : info.params) values.push_back(spec.fallback);
  double ns[3];
  std::size_t bytes = 0;
  for (int kind = 0; kind < 3; ++kind)
    ns[kind] = best_ns(kReadings, [&] {
      const auto detector = info.make(values);
      bytes = detector->bytes_used();
      for (std::size_t i = 0; i < kReadings; ++i)
        (void)detector->step({mono_from_ns(static_cast<std::int64_t>(i) * 1'000'000'000), course(kind, i)});
    });
  std::printf("%-20.*s  %7.1f  %7.1f  %7.1f  %6zu\n", static_cast<int>(info.name.size()), info.name.data(), ns[0],
              ns[1], ns[2], bytes);
}

struct Load {
  Frame frame;
  std::unique_ptr<detect::Engine> engine = *detect::Engine::make(detect::default_engine_config());

  Load(std::size_t series, const MetricInfo& metric) {
    frame.first = true;
    for (std::size_t i = 0; i < series; ++i) {
      const auto entity = static_cast<std::uint32_t>(i / 16);
      if (i % 16 == 0)
        frame.entities.push_back({EntityId{entity}, {EntityKind::filesystem, "/disk" + std::to_string(entity)}});
      // One in sixteen carries the metric with its rules, the others are only kept.
      const MetricInfo& own = i % 16 == 0 ? metric : metric::kFilesystemUsage;
      frame.series.push_back({SeriesId{static_cast<std::uint32_t>(i)}, EntityId{entity}, std::string(own.name),
                              i % 16 == 0 ? "" : std::to_string(i), own.unit, own.instrument});
      frame.samples.push_back({SeriesId{static_cast<std::uint32_t>(i)}, 0.0});
    }
    step(0);
    frame.entities.clear();
    frame.series.clear();
    frame.first = false;
  }
  void step(std::size_t tick) {
    frame.sequence = tick;
    frame.mono = mono_from_ns(static_cast<std::int64_t>(tick) * 1'000'000'000);
    for (std::size_t i = 0; i < frame.samples.size(); ++i) frame.samples[i].value = course(1, i + tick);
    (void)engine->step(frame);
  }
};

void bench_engine(std::size_t series, const MetricInfo& metric) {
  Load load(series, metric);
  constexpr std::size_t kTicks = 100;
  std::size_t tick = 1;
  const double ns = best_ns(kTicks * series, [&] {
    for (std::size_t i = 0; i < kTicks; ++i) load.step(tick++);
  });
  std::printf("%7zu  %7zu  %9.1f  %9.1f  %12.1f\n", series, load.engine->detector_count(), ns,
              ns * static_cast<double>(series) / 1000,
              static_cast<double>(load.engine->bytes_used()) / static_cast<double>(series));
}

// All shipped rules and models, after a while of noise.
void bench_snapshot(std::size_t series) {
  Load load(series, metric::kFilesystemUtilization);
  for (std::size_t tick = 1; tick < 200; ++tick) load.step(tick);
  const auto fresh = *detect::Engine::make(detect::default_engine_config());
  std::string snapshot;
  const double take = best_ns(1, [&] { snapshot = *load.engine->snapshot(); });
  const double restore = best_ns(1, [&] { (void)fresh->restore_snapshot(snapshot); });
  std::printf("snapshot of %zu series: %zu bytes; taken in %.2f ms, restored in %.2f ms\n", series, snapshot.size(),
              take / 1e6, restore / 1e6);
}

void bench_codec() {
  Load load(2000, metric::kFilesystemUtilization);
  std::string bytes;
  Frame back;
  constexpr std::size_t kRounds = 500;
  const double encode = best_ns(kRounds * 2000, [&] {
    for (std::size_t i = 0; i < kRounds; ++i) encode_frame(load.frame, bytes);
  });
  const double decode = best_ns(kRounds * 2000, [&] {
    for (std::size_t i = 0; i < kRounds; ++i) (void)decode_frame(bytes, back);
  });
  std::printf("frame of 2000 samples: %zu bytes; encode %.1f, decode %.1f ns per sample\n", bytes.size(), encode,
              decode);
}

// Each of some services has every series that the shipped conditions name, and all of them speak in every tick.
void bench_conditions() {
  constexpr std::size_t kServices = 20, kTicks = 200;
  const auto rows = test::all_series_of_conditions(detect::default_engine_config());
  const auto cost = [&](bool with) {
    detect::EngineConfig config = detect::default_engine_config();
    if (!with) config.condition_rules.clear();
    const auto engine = *detect::Engine::make(std::move(config));
    Frame frame;
    frame.first = true;
    for (std::uint32_t i = 0; i < kServices; ++i) {
      frame.entities.push_back({EntityId{i}, {EntityKind::service, std::to_string(i) + ".service"}});
      for (const test::HealthySeries& row : rows) {
        const SeriesId id{static_cast<std::uint32_t>(frame.series.size())};
        frame.series.push_back(
            {id, EntityId{i}, std::string(row.info->name), row.attributes, row.info->unit, row.info->instrument});
        frame.samples.push_back({id, row.value});
      }
    }
    std::uint64_t tick = 0;
    const auto step = [&] {
      frame.sequence = ++tick;
      frame.mono = mono_from_ns(static_cast<std::int64_t>(tick) * 1'000'000'000);
      (void)engine->step(frame);
      frame.first = false;
    };
    step();
    frame.entities.clear();
    frame.series.clear();
    const double ns = best_ns(kTicks, [&] {
      for (std::size_t i = 0; i < kTicks; ++i) step();
    });
    return std::tuple(ns, engine->condition_count(), engine->bytes_used());
  };
  const auto [with_ns, count, with_bytes] = cost(true);
  const auto [without_ns, none, without_bytes] = cost(false);
  const double ns = (with_ns - without_ns) / static_cast<double>(count);
  const std::size_t bytes = (with_bytes - without_bytes) / count;
  std::printf("conditions: %zu at work, %.1f ns per condition and tick, %zu bytes each\n\n", count, ns, bytes);
}

}  // namespace

int main() {
  std::printf("detector              flat ns noise ns  rise ns   bytes\n");
  for (const detect::DetectorInfo* info : detect::all_detectors()) bench_detector(*info);
  std::printf("\n series  watched  ns/sample    us/tick  bytes/series\n");
  for (const std::size_t series : {200U, 2000U, 20000U}) {
    bench_engine(series, metric::kFilesystemLimit);
    bench_engine(series, metric::kFilesystemUtilization);
  }
  std::printf("\n");
  bench_conditions();
  bench_snapshot(1500);
  bench_codec();
}
