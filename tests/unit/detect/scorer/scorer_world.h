// SPDX-License-Identifier: Apache-2.0
// A scorer with one group, fed row by row; noise that is the same everywhere.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "detect/scorer.h"

namespace hostmedic::test {

// A uniform number in [-1, 1) for a place and a time.
inline double noise(std::uint64_t series, std::uint64_t step) {
  std::uint64_t x = series * 0x9E3779B97F4A7C15ULL + step * 0xBF58476D1CE4E5B9ULL + 1;
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBULL;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) / 4503599627370496.0 - 1;
}

struct ScorerWorld {
  explicit ScorerWorld(std::size_t series, Duration interval = std::chrono::minutes(1),
                       Instrument instrument = Instrument::gauge, detect::ScorerConfig settings = {})
      : config(std::move(settings)) {
    config.interval = interval;
    scorer = *detect::Scorer::make(config);
    group = scorer->add_group();
    for (std::size_t i = 0; i < series; ++i) slots.push_back(*scorer->add(group, Unit::count, instrument));
  }
  // A row of values by series; then the score of the group.
  template <class Value>
  const detect::GroupScore& step(Value value) {
    for (std::size_t i = 0; i < slots.size(); ++i) scorer->set(slots[i], value(i));
    return advance();
  }
  const detect::GroupScore& advance() {
    ++now;
    scorer->step(MonoTime(config.interval * now), WallTime(config.interval * now));
    return scorer->group(group);
  }
  double ordinary(std::size_t series) const {
    return 10 + static_cast<double>(series) + noise(series, static_cast<std::uint64_t>(now));
  }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) step([&](std::size_t series) { return std::optional(ordinary(series)); });
  }

  detect::ScorerConfig config;
  std::unique_ptr<detect::Scorer> scorer;
  detect::GroupSlot group = 0;
  std::vector<detect::Slot> slots;
  std::int64_t now = 0;
};

}  // namespace hostmedic::test
