// SPDX-License-Identifier: Apache-2.0
#include "detect/model/series.h"

#include <array>

namespace hostmedic {

namespace {
constexpr std::array<std::string_view, kUnitCount> kUnits{"1", "By", "s", "{count}", "By/s", "{count}/s", "Cel"};
}  // namespace

std::string_view to_string(Unit unit) {
  const auto index = static_cast<std::size_t>(unit);
  return index < kUnits.size() ? kUnits[index] : "unknown";
}

std::string_view to_string(Instrument instrument) {
  switch (instrument) {
    case Instrument::gauge: return "gauge";
    case Instrument::counter: return "counter";
  }
  return "unknown";
}

std::optional<Unit> unit_from(std::string_view text) {
  for (std::size_t i = 0; i < kUnits.size(); ++i)
    if (kUnits[i] == text) return static_cast<Unit>(i);
  return std::nullopt;
}

}  // namespace hostmedic
