// SPDX-License-Identifier: Apache-2.0
// What the numbers of a condition measure, so that bytes are never compared with seconds. Constants; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detect/model/series.h"

namespace hostmedic::detect {

// Powers of the units, and what a number without any of them counts.
struct Dimension {
  enum class Plain : std::uint8_t {
    number,  // "4": goes with a ratio and with a count
    ratio,   // "90%"
    count,
  };
  std::int8_t bytes = 0, seconds = 0, celsius = 0;
  Plain plain = Plain::number;
  bool any = false;  // goes with everything: 0, and series that are not in the table of names

  bool has_unit() const { return bytes != 0 || seconds != 0 || celsius != 0; }
  bool same_powers(const Dimension& other) const {
    return bytes == other.bytes && seconds == other.seconds && celsius == other.celsius;
  }
};

Dimension dimension_of(Unit unit);
// The nearest unit, for showing a value.
Unit unit_of(const Dimension& dimension);
// "bytes", "bytes per second", "a ratio"
std::string to_string(const Dimension& dimension);

// Of a + b and of a > b; nullopt: they do not go together.
std::optional<Dimension> common(const Dimension& a, const Dimension& b);
Dimension product(const Dimension& a, const Dimension& b);
Dimension quotient(const Dimension& a, const Dimension& b);

}  // namespace hostmedic::detect
