// SPDX-License-Identifier: Apache-2.0
// A condition with series to turn by hand.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "detect/model/names.h"
#include "detect/rules/bound_condition.h"
#include "tests/unit/detect/stream.h"

namespace hostmedic::test {

using detect::Truth;

struct ConditionBench {
  detect::Condition condition;
  std::unique_ptr<detect::BoundCondition> bound;
  double second = 0;
  std::uint32_t series = 0;
  std::map<std::string, SeriesId> ids;
  std::int64_t wall_offset_ns = Stream::kEpochNs;

  explicit ConditionBench(std::string_view text, Entity subject = {}, std::string stage = "") {
    auto parsed = detect::parse_condition(text);
    INFO(detect::show_fault(text, parsed.fault));
    REQUIRE(parsed.condition.has_value());
    condition = *std::move(parsed.condition);
    bound = std::make_unique<detect::BoundCondition>(condition, std::move(subject), std::move(stage));
  }
  // A series of the subject, or of another entity.
  ConditionBench& with(std::string key, const MetricInfo& metric, std::string attributes = "") {
    return of(bound->subject(), std::move(key), metric, std::move(attributes));
  }
  ConditionBench& of(const Entity& entity, std::string key, const MetricInfo& metric, std::string attributes = "") {
    const SeriesId id{series++};
    const SeriesDef def{id,          EntityId{0},      std::string(metric.name), std::move(attributes),
                        metric.unit, metric.instrument};
    (void)bound->add(def, entity);  // perhaps the condition does not want it: that is tested too
    ids[key] = id;
    return *this;
  }
  ConditionBench& set(const std::string& key, std::optional<double> value) {
    bound->feed(ids.at(key), {at_s(second), value});
    return *this;
  }
  Truth step() { return bound->step(at_s(second), wall_from_ns(wall_offset_ns + to_ns(at_s(second)))); }
  // A tick later with these values.
  Truth tick(std::initializer_list<std::pair<std::string, std::optional<double>>> values, double seconds = 1) {
    second += seconds;
    for (const auto& [key, value] : values) set(key, value);
    return step();
  }
};

}  // namespace hostmedic::test
