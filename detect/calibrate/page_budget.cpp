// SPDX-License-Identifier: Apache-2.0
#include "detect/calibrate/page_budget.h"

#include <algorithm>
#include <cmath>

namespace hostmedic::detect {

namespace {
constexpr double kDay = 86400, kHour = 3600;
// A suspicion is over when the score has fallen to this share of the threshold.
constexpr float kOver = 0.5F;
}  // namespace

// On SMD and ASD ten times fewer false suspicions took about twice the threshold.
PageBudget::PageBudget(double wanted_a_day, double seconds)
    : lowest_(kUsual * static_cast<float>(std::pow(wanted_a_day, -0.3))), wanted_(wanted_a_day), seconds_(seconds) {}

float PageBudget::rung_value(std::size_t rung) const {
  return lowest_ * static_cast<float>(1ULL << rung / 2) * (rung % 2 == 1 ? 1.41421356F : 1.0F);
}

void PageBudget::add(float score) {
  if (score >= lowest_ * kOver || above_ != 0) {
    for (std::size_t rung = 0; rung < kRungs; ++rung) {
      const std::uint32_t bit = 1U << rung;
      const float value = rung_value(rung);
      if (score >= value && (above_ & bit) == 0)
        above_ |= bit, crossed_[rung] += 1;
      else if (score < kOver * value)
        above_ &= ~bit;
    }
  }
  seen_ += seconds_;
  since_move_ += seconds_;
  if (seen_ >= 2 * kForgetSeconds) {
    seen_ /= 2;
    for (float& count : crossed_) count /= 2;
  }
  if (since_move_ < kHour) return;
  since_move_ = 0;
  // What is seen counts as a day at least: one bad hour is no rate.
  const double days = std::max(seen_, kDay) / kDay;
  std::size_t wanted_rung = 0;
  while (wanted_rung + 1 < kRungs && static_cast<double>(crossed_[wanted_rung]) > wanted_ * days) ++wanted_rung;
  if (wanted_rung > rung_) ++rung_;
  if (wanted_rung < rung_) --rung_;
}

double PageBudget::suspicions_a_day() const {
  return static_cast<double>(crossed_[rung_]) / (std::max(seen_, kDay) / kDay);
}

void PageBudget::save(StateWriter& writer) const {
  writer.put_all(std::span<const float>(crossed_));
  writer.put(seen_);
  writer.put(static_cast<std::uint8_t>(rung_));
}

bool PageBudget::load(StateReader& reader) {
  reader.get_all(std::span<float>(crossed_));
  seen_ = reader.get<double>();
  rung_ = reader.get<std::uint8_t>();
  const bool sound = reader.good() && rung_ < kRungs && seen_ >= 0 &&
                     std::ranges::all_of(crossed_, [](float count) { return count >= 0; });
  if (!sound) *this = PageBudget(wanted_, seconds_);
  return sound;
}

}  // namespace hostmedic::detect
