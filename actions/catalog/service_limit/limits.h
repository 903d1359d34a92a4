// SPDX-License-Identifier: Apache-2.0
// The limits of a service that service.limit sets: their names, units and the bounds beyond which it never goes. Pure;
// any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

enum class LimitUnit { cpu_share, bytes, weight, tasks };  // microseconds per second, bytes, 1 to 10000, number

struct LimitInfo {
  std::string_view param, property;  // "memory_max", "MemoryMax"
  LimitUnit unit;
  std::uint64_t least, most;  // bounds of what is ever set
};
std::span<const LimitInfo> known_limits();

// What a setting asks for: "keep", a value of the limit's unit ("50%", "512MiB", "200"), "none", or a factor of the
// present value ("x1.5").
struct LimitWish {
  enum class Kind { keep, value, none, factor } kind = Kind::keep;
  std::uint64_t value = 0;
  double factor = 1;
};
Result<LimitWish> parse_wish(const LimitInfo& limit, std::string_view text);
// The value to set, within the bounds. conflict: a factor of no limit.
Result<std::uint64_t> wished(const LimitInfo& limit, const LimitWish& wish, std::uint64_t present);
// "50%", "512.0MiB", "none"
std::string limit_text(const LimitInfo& limit, std::uint64_t value);

}  // namespace hostmedic
