// SPDX-License-Identifier: Apache-2.0
#include "agent/base/bytes.h"

#include <array>

#include "agent/base/text.h"

namespace hostmedic {

std::string format_bytes(double bytes) {
  if (bytes < 0) return "-" + format_bytes(-bytes);
  static constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (bytes >= 1023.5 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  if (unit == 0 || bytes >= 99.95) return strf("%.0f%s", bytes, kUnits[unit]);
  return strf("%.1f%s", bytes, kUnits[unit]);
}

}  // namespace hostmedic
