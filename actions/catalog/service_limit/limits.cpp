// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/service_limit/limits.h"

#include <algorithm>
#include <cmath>

#include "agent/base/bytes.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::uint64_t kNone = ~std::uint64_t{0};  // systemd's infinity
constexpr std::uint64_t kPercent = 10'000;          // microseconds of CPU per second
// Below the least a service cannot even be looked after; the most are beyond any host that this runs on.
constexpr LimitInfo kLimits[] = {
    {"cpu_quota", "CPUQuotaPerSecUSec", LimitUnit::cpu_share, 5 * kPercent, 102'400 * kPercent},
    {"memory_high", "MemoryHigh", LimitUnit::bytes, mib(16).count, gib(64 * 1024).count},
    {"memory_max", "MemoryMax", LimitUnit::bytes, mib(16).count, gib(64 * 1024).count},
    {"io_weight", "IOWeight", LimitUnit::weight, 1, 10'000},
    {"tasks_max", "TasksMax", LimitUnit::tasks, 16, 4'194'304},
};

Result<std::uint64_t> parse_value(const LimitInfo& limit, std::string_view text) {
  switch (limit.unit) {
    case LimitUnit::bytes: {
      const auto bytes = parse_bytes(text);
      if (!bytes) return bytes.error();
      return bytes->count;
    }
    case LimitUnit::cpu_share: {
      if (!text.ends_with('%')) return make_error(ErrorCode::malformed, "it is not a percentage");
      const auto percent = parse_u64(text.substr(0, text.size() - 1));
      if (!percent || *percent > 1'000'000) return make_error(ErrorCode::malformed, "it is not a percentage");
      return *percent * kPercent;
    }
    default: return parse_u64(text);
  }
}

}  // namespace

std::span<const LimitInfo> known_limits() { return kLimits; }

Result<LimitWish> parse_wish(const LimitInfo& limit, std::string_view text) {
  const std::string where(limit.param);
  if (text == "keep") return LimitWish{};
  if (text == "none") return LimitWish{LimitWish::Kind::none, kNone};
  if (text.starts_with('x')) {
    const auto factor = parse_double(text.substr(1));
    if (!factor || *factor < 0.1 || *factor > 10)
      return make_error(ErrorCode::malformed, where + ": the factor is not within 0.1 and 10");
    return LimitWish{LimitWish::Kind::factor, 0, *factor};
  }
  const auto value = parse_value(limit, text);
  if (!value) return Error(value.error()).in(where);
  if (*value < limit.least || *value > limit.most)
    return make_error(ErrorCode::malformed, where + " is not within " + limit_text(limit, limit.least) + " and " +
                                                limit_text(limit, limit.most));
  return LimitWish{LimitWish::Kind::value, *value};
}

Result<std::uint64_t> wished(const LimitInfo& limit, const LimitWish& wish, std::uint64_t present) {
  switch (wish.kind) {
    case LimitWish::Kind::keep: return present;
    case LimitWish::Kind::none: return kNone;
    case LimitWish::Kind::value: return wish.value;
    case LimitWish::Kind::factor: break;
  }
  if (present == kNone && wish.factor >= 1) return kNone;  // nothing holds it back, so there is nothing to raise
  if (present == kNone)
    return make_error(ErrorCode::conflict, std::string(limit.property) + " is not set, so there is nothing to scale");
  // Clamped as a floating-point number: beyond 2^63 the conversion back has no meaning.
  const double scaled = std::round(static_cast<double>(present) * wish.factor);
  return static_cast<std::uint64_t>(
      std::clamp(scaled, static_cast<double>(limit.least), static_cast<double>(limit.most)));
}

std::string limit_text(const LimitInfo& limit, std::uint64_t value) {
  if (value == kNone) return "none";
  switch (limit.unit) {
    case LimitUnit::cpu_share: return strf("%.0f%%", static_cast<double>(value) / static_cast<double>(kPercent));
    case LimitUnit::bytes: return format_bytes(Bytes{value});
    default: return strf("%llu", static_cast<unsigned long long>(value));
  }
}

}  // namespace hostmedic
