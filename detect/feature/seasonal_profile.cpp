// SPDX-License-Identifier: Apache-2.0
#include "detect/feature/seasonal_profile.h"

#include <algorithm>
#include <cmath>

namespace hostmedic::detect {

namespace {
constexpr double kMemory = 14 * SeasonalProfile::kDay;
constexpr double kSlot = SeasonalProfile::kDay / SeasonalProfile::kSlots;  // seconds
constexpr double kDawn = 4 * 3600;  // seconds in which the day of the week takes over
constexpr int kMostSlotSeen = 14;   // visits that count: two weeks of days ...
constexpr int kMostDaySeen = 4;     // ... and four of weeks
constexpr double kEnough = 0.25;    // of a slot that must have been seen for its mean to count
constexpr int kMostBin = 32000;
constexpr int kWeekSlots = SeasonalProfile::kSlots * SeasonalProfile::kDays;
}  // namespace

// Linear between the middles of the half hours, so that it has no steps. What was never seen is the level.
double SeasonalProfile::expected(double week_second) const {
  const double at = std::clamp(week_second, 0.0, kWeek - 1) / kSlot - 0.5;
  const double floor = std::floor(at);
  const auto before = static_cast<std::size_t>((static_cast<int>(floor) + kSlots) % kSlots);
  const std::size_t after = (before + 1) % kSlots;
  const auto day = static_cast<std::size_t>(std::clamp(static_cast<int>(week_second / kDay), 0, kDays - 1));
  const double share = at - floor;
  // A day begins by degrees in its first hours.
  const double into = std::min(1.0, std::fmod(week_second, kDay) / kDawn);
  const double of_day = value(days_[(day + kDays - 1) % kDays]) * (1 - into) + value(days_[day]) * into;
  return value(slots_[before]) * (1 - share) + value(slots_[after]) * share + of_day;
}

void SeasonalProfile::step(double week_second, double off, double elapsed, bool learn) {
  const int slot = std::clamp(static_cast<int>(week_second / kSlot), 0, kWeekSlots - 1);
  if (slot != slot_) {
    if (slot_ >= 0) close_slot();
    if (slot_ >= 0 && slot / kSlots != slot_ / kSlots) close_day(slot_ / kSlots);
    slot_ = slot;
  }
  if (!learn) return;
  const double foretold = expected(week_second);
  if (seen_[static_cast<std::size_t>(slot % kSlots)] > 0) {
    flat_.step(off * off, elapsed, kMemory);
    left_.step((off - foretold) * (off - foretold), elapsed, kMemory);
  }
  sum_ += off * elapsed;
  weight_ += elapsed;
  const auto day = static_cast<std::size_t>(slot / kSlots);
  day_sum_ += (off - foretold + value(days_[day])) * elapsed;
  day_weight_ += elapsed;
}

void SeasonalProfile::close_slot() {
  const auto slot = static_cast<std::size_t>(slot_ % kSlots), day = static_cast<std::size_t>(slot_ / kSlots);
  if (weight_ >= kEnough * kSlot) {
    std::uint8_t& seen = seen_[slot];
    if (seen < kMostSlotSeen) ++seen;
    const double before = value(slots_[slot]);
    store(slots_[slot], before + (sum_ / weight_ - value(days_[day]) - before) / seen);
  }
  sum_ = weight_ = 0;
}

void SeasonalProfile::close_day(int day) {
  const auto index = static_cast<std::size_t>(day);
  std::uint8_t& seen = seen_[static_cast<std::size_t>(kSlots) + index];
  // Before the time of day is known, a day's mean says nothing.
  if (day_weight_ >= 0.5 * kDay && foretold() >= kDay) {
    if (seen < kMostDaySeen) ++seen;
    const double before = value(days_[index]);
    // The first week is believed by half: one Monday is not Mondays.
    store(days_[index], before + (day_sum_ / day_weight_ - before) / (seen + 1));
  }
  day_sum_ = day_weight_ = 0;
}

// Keeps the value; where it does not fit, the scale grows for all.
void SeasonalProfile::store(std::int16_t& ret_bin, double value) {
  if (scale_ == 0) scale_ = std::max(std::abs(value), 1e-300) / (kMostBin / 8);
  int halvings = 0;
  while (std::abs(value) > scale_ * kMostBin) scale_ *= 2, ++halvings;
  if (halvings > 0) {
    const double shrink = std::ldexp(1.0, -halvings);
    for (std::int16_t& bin : slots_) bin = static_cast<std::int16_t>(std::lround(bin * shrink));
    for (std::int16_t& bin : days_) bin = static_cast<std::int16_t>(std::lround(bin * shrink));
  }
  ret_bin = static_cast<std::int16_t>(std::lround(value / scale_));
}

void SeasonalProfile::scale(double factor) {
  scale_ *= factor;
  sum_ *= factor;
  day_sum_ *= factor;
  flat_.set(flat_.mean() * factor * factor);
  left_.set(left_.mean() * factor * factor);
}

double SeasonalProfile::explained() const {
  if (foretold() < kDay || flat_.mean() <= 0) return 0;
  return std::clamp(1 - left_.mean() / flat_.mean(), 0.0, 1.0);
}

bool SeasonalProfile::sane() const {
  return scale_ >= 0 && slot_ >= -1 && slot_ < kWeekSlots && weight_ >= 0 && day_weight_ >= 0 &&
         std::ranges::all_of(seen_, [](std::uint8_t seen) { return seen <= kMostSlotSeen; });
}

}  // namespace hostmedic::detect
