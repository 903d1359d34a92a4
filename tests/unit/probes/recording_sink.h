// SPDX-License-Identifier: Apache-2.0
// A sink that keeps what a probe said in words, so that a test can ask for it by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "probes/probe.h"

namespace hostmedic::test {

struct Told {
  Entity about;
  Event event;
  std::string get(std::string_view key) const { return std::string(event.get(key)); }
};

class RecordingSink final : public Sink {
 public:
  EntityId entity(EntityKind kind, std::string_view name) override {
    const Entity wanted{kind, std::string(name)};
    for (std::size_t i = 0; i < entities.size(); ++i) {
      if (entities[i] == wanted) return EntityId{static_cast<std::uint32_t>(i)};
    }
    entities.push_back(wanted);
    return EntityId{static_cast<std::uint32_t>(entities.size() - 1)};
  }
  SeriesId series(EntityId entity, const MetricInfo& metric, std::string_view attributes) override {
    std::string key = to_string(entities.at(static_cast<std::size_t>(entity)));
    key += " " + std::string(metric.name);
    if (!attributes.empty()) key += "{" + std::string(attributes) + "}";
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == key) return SeriesId{static_cast<std::uint32_t>(i)};
    }
    keys.push_back(key);
    return SeriesId{static_cast<std::uint32_t>(keys.size() - 1)};
  }
  void retire(EntityId entity) override { retired.push_back(to_string(entities.at(static_cast<std::size_t>(entity)))); }
  void sample(SeriesId series, std::optional<double> value) override {
    if (series == kNoSeries) return;
    values[keys.at(static_cast<std::size_t>(series))] = value;
  }
  void event(Event event) override {
    const Entity about = entities.at(static_cast<std::size_t>(event.entity));
    told.push_back({about, std::move(event)});
  }

  // The last value of the series; nullopt if it was unknown, or never sampled.
  std::optional<double> value(const std::string& entity, const std::string& name,
                              const std::string& attributes = "") const {
    const auto found = values.find(entity + " " + name + (attributes.empty() ? "" : "{" + attributes + "}"));
    return found == values.end() ? std::nullopt : found->second;
  }

  std::vector<Entity> entities;
  std::vector<std::string> keys, retired;
  std::map<std::string, std::optional<double>> values;  // "service:a.service hostmedic.service.restarts"
  std::vector<Told> told;
};

}  // namespace hostmedic::test
