// SPDX-License-Identifier: Apache-2.0
// A number over the last while, in sixteen parts of it: constant memory, exact to a sixteenth of the time. What was not
// observed adds nothing. One owner.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <tuple>

#include "agent/base/time.h"

namespace hostmedic::detect {

class Window {
 public:
  explicit Window(Duration width) : part_(std::max<std::int64_t>(1, to_ns(width) / kParts)) {}

  // of_interval: the value is the mean since the last step, and not only what is seen now.
  void step(MonoTime at, std::optional<double> value, bool of_interval) {
    if (last_ && at <= *last_) return;
    const double elapsed = last_ ? to_seconds(std::min<Duration>(at - *last_, kMostGap)) : 0;
    last_ = at;
    advance(to_ns(at) / part_);
    if (!value) {
      known_ = false;
      return;
    }
    Part& part = parts_[static_cast<std::size_t>(newest_ % kParts)];
    latest_ = static_cast<float>(*value);
    if (!part.any) part = {true, latest_, latest_, latest_, 0, 0};
    part.least = std::min(part.least, latest_);
    part.most = std::max(part.most, latest_);
    if (known_ || of_interval) {
      part.observed += static_cast<float>(elapsed);
      part.area += static_cast<float>(*value * elapsed);
    }
    known_ = true;
  }

  struct Summary {
    double area = 0, observed = 0;  // value * seconds, seconds
    double first = 0, least = 0, most = 0, latest = 0;
    bool any = false, full = false;  // full: nearly all of the time was observed
  };
  Summary summary() const {
    Summary all;
    for (std::int64_t i = std::max<std::int64_t>(0, newest_ - kParts + 1); i <= newest_; ++i) {
      const Part& part = parts_[static_cast<std::size_t>(i % kParts)];
      if (!part.any) continue;
      if (!all.any) all = {0, 0, part.first, part.least, part.most, latest_, true, false};
      all.area += part.area;
      all.observed += part.observed;
      all.least = std::min<double>(all.least, part.least);
      all.most = std::max<double>(all.most, part.most);
    }
    all.full = all.observed >= kFull * static_cast<double>(part_ * kParts) * 1e-9;
    return all;
  }

  bool sane() const { return newest_ >= 0; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.parts_, self.newest_, self.last_, self.latest_, self.known_);
  }

 private:
  static constexpr std::int64_t kParts = 16;
  static constexpr double kFull = 0.9;  // the oldest part has just begun to leave
  static constexpr Duration kMostGap = std::chrono::minutes(5);

  struct Part {  // single precision: there are thousands of windows
    bool any = false;
    float first = 0, least = 0, most = 0, area = 0, observed = 0;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.any, self.first, self.least, self.most, self.area, self.observed);
    }
  };

  // Empties the parts that the window has left.
  void advance(std::int64_t now) {
    for (std::int64_t i = std::max(newest_ + 1, now - kParts + 1); i <= now; ++i)
      parts_[static_cast<std::size_t>(i % kParts)] = {};
    newest_ = std::max(newest_, now);
  }

  std::int64_t part_;  // ns
  std::array<Part, kParts> parts_{};
  std::int64_t newest_ = 0;
  std::optional<MonoTime> last_;
  float latest_ = 0;
  bool known_ = false;
};

}  // namespace hostmedic::detect
