// SPDX-License-Identifier: Apache-2.0
// One entity that has every series that the shipped conditions name, at values at which none of them fires.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detect/engine.h"
#include "detect/model/names.h"
#include "detect/rules/condition.h"

namespace hostmedic::test {

struct HealthySeries {
  const MetricInfo* info;
  std::string attributes;
  double value;
};

inline double healthy_value(std::string_view metric) {
  constexpr std::pair<std::string_view, double> kNotZero[] = {
      {"system.filesystem.usage", 1e12},
      {"hostmedic.certificate.expiry.time", 1e9},
      {"hostmedic.kernel.entropy", 256},
      {"hostmedic.clock.synchronized", 1},
      {"hostmedic.network.gateway.reachable", 1},
      {"hw.network.up", 1},
      {"hw.network.bandwidth.limit", 125e6},
      {"hostmedic.check.certificate.not_after", 4e9},
      {"hostmedic.check.up", 1},
      {"hostmedic.scrape.up", 1},
      {"system.cpu.logical.count", 4},
      {"system.uptime", 1e6},
      {"system.memory.limit", 8e9},
      {"hostmedic.hardware.fan.speed", 20},
  };
  for (const auto& [name, value] : kNotZero)
    if (name == metric) return value;
  return 0;
}

inline std::vector<HealthySeries> all_series_of_conditions(const detect::EngineConfig& config) {
  std::vector<HealthySeries> all;
  std::set<std::string> known;
  for (const detect::ConditionRule& rule : config.condition_rules) {
    const auto parsed = detect::parse_condition(rule.when);
    for (const detect::SeriesRef& ref : parsed.condition->refs) {
      std::string attributes;
      for (const detect::Selector& selector : ref.selectors)
        attributes += (attributes.empty() ? "" : ",") + selector.key + "=" +
                      (selector.equal ? selector.pattern : std::string("other"));
      for (const MetricInfo* info : metric::all())
        if (info->name == ref.metric && known.insert(ref.metric + attributes).second)
          all.push_back({info, attributes, healthy_value(info->name)});
    }
  }
  return all;
}

}  // namespace hostmedic::test
