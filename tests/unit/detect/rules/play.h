// SPDX-License-Identifier: Apache-2.0
// What the tests of the shipped rules share: a rule by its id, and series that are played to it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detect/rules/condition.h"
#include "detect/rules/defaults.h"
#include "tests/unit/detect/rules/condition_bench.h"

namespace hostmedic::test {

inline const detect::EngineConfig& shipped() {
  static const detect::EngineConfig kConfig = detect::default_engine_config();
  return kConfig;
}

inline std::string when(const std::string& id) {
  const auto rule = std::ranges::find(shipped().condition_rules, id, &detect::ConditionRule::id);
  REQUIRE_MESSAGE(rule != shipped().condition_rules.end(), id);
  return rule->when;
}

// A shipped rule with series that are played: of a counter its rate is given, of a gauge its level.
struct Play {
  struct Line {
    const MetricInfo& metric;
    std::string attributes;
    double total = 0;
  };
  ConditionBench bench;
  std::vector<Line> lines;

  explicit Play(const std::string& id, Entity subject = {}, std::string stage = "")
      : bench(when(id), std::move(subject), std::move(stage)) {}
  Play& line(const MetricInfo& metric, std::string attributes = "") {
    bench.with(std::to_string(lines.size()), metric, attributes);
    lines.push_back({metric, std::move(attributes)});
    return *this;
  }
  // Every five seconds the same, for so many seconds; the answer at the end.
  Truth run(double seconds, const std::vector<std::optional<double>>& values) {
    constexpr double kStep = 5;
    Truth truth = Truth::unknown;
    for (double t = 0; t < seconds; t += kStep) {
      bench.second += kStep;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        const bool counter = lines[i].metric.instrument == Instrument::counter;
        if (counter && values[i]) lines[i].total += *values[i] * kStep;
        bench.set(std::to_string(i), counter && values[i] ? std::optional(lines[i].total) : values[i]);
      }
      truth = bench.step();
    }
    return truth;
  }
};

inline const Entity kService{EntityKind::service, "shop.service"};
inline const Entity kDisk{EntityKind::block_device, "sda"};
inline const Entity kEth{EntityKind::network_interface, "eth0"};

}  // namespace hostmedic::test
