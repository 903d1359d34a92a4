// SPDX-License-Identifier: Apache-2.0
// A number of bytes as a type, so that a size cannot be taken for a count or for megabytes.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace hostmedic {

struct Bytes {
  std::uint64_t count = 0;
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes other) const { return {count + other.count}; }
};

constexpr Bytes kib(std::uint64_t n) { return {n << 10}; }
constexpr Bytes mib(std::uint64_t n) { return {n << 20}; }
constexpr Bytes gib(std::uint64_t n) { return {n << 30}; }

// Binary units, three significant digits: "512B", "1.5KiB", "64.0MiB".
std::string format_bytes(double bytes);
inline std::string format_bytes(Bytes b) { return format_bytes(static_cast<double>(b.count)); }

}  // namespace hostmedic
