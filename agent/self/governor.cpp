// SPDX-License-Identifier: Apache-2.0
#include "agent/self/governor.h"

#include <algorithm>

namespace hostmedic {
namespace {

// What is free before a step back is tried: a step back may double the cost.
constexpr double kCalm = 0.5;
constexpr int kSlowest = static_cast<int>(kPaces.size()) - 1;

}  // namespace

void Governor::remember(MonoTime now, Duration cpu) {
  if (known_ > 0 && (cpu < points_[0].cpu || now - points_[0].at > 3 * kPeriod)) known_ = 0;
  std::ranges::copy_backward(points_.begin(), points_.end() - 1, points_.end());
  points_[0] = {now, cpu};
  known_ = std::min(known_ + 1, points_.size());
}

double Governor::share(std::size_t periods) const {
  const Point& then = points_[periods];
  return to_seconds(points_[0].cpu - then.cpu) / to_seconds(points_[0].at - then.at);
}

std::optional<double> Governor::cpu() const {
  if (known_ < points_.size()) return std::nullopt;
  return share(points_.size() - 1);
}

// The minute says whether the budget is kept, the last ten seconds whether it still has to be mended.
std::optional<std::string_view> Governor::overspent(Bytes resident) const {
  if (resident > budget_.memory) return "memory";
  if (const auto minute = cpu(); minute && *minute > budget_.cpu && share(1) > budget_.cpu) return "cpu";
  return std::nullopt;
}

Governor::Change Governor::step(int by, std::string_view reason, MonoTime now, Bytes resident) {
  level_ += by;
  stepped_at_ = now;
  calm_since_.reset();
  return {level_, reason, cpu().value_or(0), resident};
}

std::optional<Governor::Change> Governor::observe(MonoTime now, Duration cpu_used, Bytes resident) {
  remember(now, cpu_used);
  const bool settled = level_ == 0 || now - stepped_at_ >= kSettle;
  if (const auto reason = overspent(resident)) {
    calm_since_.reset();
    if (!settled || level_ == kSlowest) return std::nullopt;
    if (went_back_) hold_ = std::min(2 * hold_, kMostHold);
    went_back_ = false;
    return step(1, *reason, now, resident);
  }
  const auto minute = cpu();
  const bool calm = minute && *minute < kCalm * budget_.cpu && resident.count < budget_.memory.count / 10 * 9;
  if (level_ == 0 || !calm) {
    calm_since_.reset();
    return std::nullopt;
  }
  if (!calm_since_) calm_since_ = now;
  if (now - *calm_since_ < hold_) return std::nullopt;
  went_back_ = true;
  return step(-1, "recovered", now, resident);
}

}  // namespace hostmedic
