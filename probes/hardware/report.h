// SPDX-License-Identifier: Apache-2.0
// What one look at the hardware gave: numbers, and states that are events when they change. Plain values, bounded.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/entity.h"
#include "detect/model/series.h"

namespace hostmedic {

struct HardwareReading {
  std::string name;  // of entity, metric and attributes together
  Entity about;
  const MetricInfo* metric = nullptr;
  std::string attributes;
  std::optional<double> value;
};

struct HardwareState {
  std::string name;  // of entity, type and id together
  Entity about;
  std::string type, id, state;
  bool told_at_start = false;  // a state found at the first look is worth an event by itself
};

class HardwareReport {
 public:
  static constexpr std::size_t kMostReadings = 2048;
  static constexpr std::size_t kMostStates = 1024;

  void reading(const Entity& about, const MetricInfo& metric, std::string attributes, std::optional<double> value) {
    if (readings.size() >= kMostReadings) {
      ++left_out;
      return;
    }
    readings.push_back({to_string(about) + " " + std::string(metric.name) + " " + attributes, about, &metric,
                        std::move(attributes), value});
  }
  void state(const Entity& about, std::string_view type, std::string id, std::string state, bool told_at_start) {
    if (states.size() >= kMostStates) {
      ++left_out;
      return;
    }
    states.push_back({to_string(about) + " " + std::string(type) + " " + id, about, std::string(type), std::move(id),
                      std::move(state), told_at_start});
  }

  std::vector<HardwareReading> readings;
  std::vector<HardwareState> states;
  std::size_t left_out = 0;  // devices and readings past the bounds
};

inline const Entity kHostEntity{EntityKind::host, ""};

}  // namespace hostmedic
