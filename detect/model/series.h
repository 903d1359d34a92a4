// SPDX-License-Identifier: Apache-2.0
// One number over time about one entity: how it is named and counted. Names, units and attributes follow the
// OpenTelemetry semantic conventions where one exists; ours start with "hostmedic.".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "detect/model/entity.h"

namespace hostmedic {

enum class Unit : std::uint8_t { ratio, bytes, seconds, count, bytes_per_second, per_second, celsius };
inline constexpr int kUnitCount = 7;
enum class Instrument : std::uint8_t {
  gauge,    // the value now
  counter,  // cumulative, only grows; a fall is a reset
};
std::string_view to_string(Unit unit);  // UCUM: "1", "By", "s", "{count}", "By/s", "{count}/s", "Cel"
std::string_view to_string(Instrument instrument);
std::optional<Unit> unit_from(std::string_view text);

// One row of the table of names (names.h).
struct MetricInfo {
  std::string_view name;
  Unit unit;
  Instrument instrument;
  std::string_view doc;
};

inline constexpr std::size_t kMostSeriesText = 256;
struct SeriesDef {
  SeriesId id{};
  EntityId entity{};
  std::string name;        // "system.cpu.time"; at most kMostSeriesText bytes, as the attributes
  std::string attributes;  // "cpu.mode=user"; empty for none; "k=v,k=v" sorted by key for several
  Unit unit = Unit::count;
  Instrument instrument = Instrument::gauge;
  bool operator==(const SeriesDef&) const = default;
};

}  // namespace hostmedic
