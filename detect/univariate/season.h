// SPDX-License-Identifier: Apache-2.0
// The usual course of a day of one series: for each hour (UTC) the offset from its long mean, and how much the series
// spreads around that at that hour. Offsets in 16 bits of a unit that follows the data, spreads with 8 significant
// bits; 102 bytes in a block of kLanes series, whose hours lie side by side for the kernel (level_change.h). One owner.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <tuple>

#include "agent/base/time.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

inline constexpr std::size_t kLanes = 8;

class SeasonProfile {
 public:
  static constexpr std::size_t kHours = 24;
  static std::size_t hour_of(WallTime at) {
    constexpr std::int64_t kHourNs = 3'600'000'000'000, kDayNs = 24 * kHourNs;
    return static_cast<std::size_t>((to_ns(at) % kDayNs + kDayNs) % kDayNs / kHourNs);
  }

  bool known(std::size_t hour) const { return spreads_[hour] != kUnknown; }
  float offset(std::size_t hour) const { return known(hour) ? static_cast<float>(offsets_[hour]) * unit_ : 0; }
  // The variance around the offset; infinite while nothing is known.
  float spread(std::size_t hour) const {
    if (!known(hour)) return std::numeric_limits<float>::infinity();
    return std::bit_cast<float>(static_cast<std::uint32_t>(spreads_[hour]) << 16);
  }

  // An hour has passed: so many residuals from offset(hour), their sum and the sum of their squares.
  void add(std::size_t hour, float sum, float squares, float count) {
    const float mean = sum / count, square = squares / count;
    if (!(count > 0) || !std::isfinite(mean) || !std::isfinite(square)) return;
    const bool first = !known(hour);
    const auto days = static_cast<float>(hours_seen_) / kHours + 2;
    const float taken = first ? 1 : 1 / std::min(days, kMeanDays);
    const float taken_spread = 1 / std::min(days, kSpreadDays);
    const float spread_now =
        first ? std::max(square - mean * mean, 0.0F) : spread(hour) + taken_spread * (square - spread(hour));
    keep_offset(hour, offset(hour) + taken * mean);
    spreads_[hour] = static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(spread_now) + 0x8000U) >> 16);
    if (hours_seen_ < kHours * kSpreadDays) ++hours_seen_;
  }

  // False when the bytes are no profile.
  bool load(StateReader& reader) {
    hours_seen_ = reader.get<std::uint16_t>();
    unit_ = reader.get<float>();
    reader.get_all(std::span<std::int16_t>(offsets_));
    reader.get_all(std::span<std::uint16_t>(spreads_));
    for (std::size_t hour = 0; hour < kHours; ++hour)
      if (known(hour) && !(spread(hour) >= 0)) spreads_[hour] = kUnknown;
    return reader.good() && unit_ >= 0;
  }
  void save(StateWriter& writer) const {
    writer.put(hours_seen_);
    writer.put(unit_);
    writer.put_all(std::span<const std::int16_t>(offsets_));
    writer.put_all(std::span<const std::uint16_t>(spreads_));
  }

  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.offsets_, self.spreads_, self.unit_, self.hours_seen_);
  }

 private:
  friend struct SeasonBlock;
  static constexpr std::uint16_t kUnknown = 0xFFFF;
  static constexpr float kMeanDays = 7, kSpreadDays = 60;
  static constexpr float kMostUnits = 32000, kFineUnits = 4096;  // the first offset is so many units, at least

  void keep_offset(std::size_t hour, float offset) {
    if (unit_ == 0) unit_ = std::fabs(offset) / kFineUnits;
    while (std::fabs(offset) > kMostUnits * unit_) {
      unit_ = unit_ == 0 ? std::fabs(offset) / kFineUnits : unit_ * 2;
      for (std::int16_t& kept : offsets_) kept = static_cast<std::int16_t>(kept / 2);
    }
    offsets_[hour] = unit_ == 0 ? std::int16_t{0} : static_cast<std::int16_t>(std::lrint(offset / unit_));
  }

  std::array<std::int16_t, kHours> offsets_{};
  std::array<std::uint16_t, kHours> spreads_ = [] {  // the upper half of a float
    std::array<std::uint16_t, kHours> none;
    none.fill(kUnknown);
    return none;
  }();
  float unit_ = 0;
  std::uint16_t hours_seen_ = 0;
};

// The profiles of kLanes series. What is not known has a spread that is no number, as its upper half of a float says.
struct SeasonBlock {
  alignas(16) std::array<std::array<std::int16_t, kLanes>, SeasonProfile::kHours> offsets;
  std::array<std::array<std::uint16_t, kLanes>, SeasonProfile::kHours> spreads;
  std::array<float, kLanes> units;
  std::array<std::uint16_t, kLanes> hours_seen;

  SeasonBlock() {
    for (std::size_t lane = 0; lane < kLanes; ++lane) set(lane, {});
  }
  SeasonProfile profile(std::size_t lane) const {
    SeasonProfile profile;
    for (std::size_t hour = 0; hour < SeasonProfile::kHours; ++hour) {
      profile.offsets_[hour] = offsets[hour][lane];
      profile.spreads_[hour] = spreads[hour][lane];
    }
    profile.unit_ = units[lane];
    profile.hours_seen_ = hours_seen[lane];
    return profile;
  }
  void set(std::size_t lane, const SeasonProfile& profile) {
    for (std::size_t hour = 0; hour < SeasonProfile::kHours; ++hour) {
      offsets[hour][lane] = profile.offsets_[hour];
      spreads[hour][lane] = profile.spreads_[hour];
    }
    units[lane] = profile.unit_;
    hours_seen[lane] = profile.hours_seen_;
  }
};
static_assert(sizeof(SeasonBlock) == 102 * kLanes);

}  // namespace hostmedic::detect
