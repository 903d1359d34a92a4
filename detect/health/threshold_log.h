// SPDX-License-Identifier: Apache-2.0
// When and why a threshold that follows the data was moved: `hostmedic thresholds` shows it. Bounded; the oldest goes
// first. One owner.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <tuple>

#include "agent/base/time.h"

namespace hostmedic::detect {

struct ThresholdChange {
  WallTime at;
  std::string what;  // "service:nginx.service suspicion"
  double before = 0, after = 0;
  std::string why;  // "3.2 suspicions a day, wanted at most 1"
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.at, self.what, self.before, self.after, self.why);
  }
};

class ThresholdLog {
 public:
  static constexpr std::size_t kMost = 1000;
  void add(ThresholdChange change) {
    if (changes_.size() == kMost) changes_.pop_front(), ++dropped_;
    changes_.push_back(std::move(change));
  }
  const std::deque<ThresholdChange>& changes() const { return changes_; }  // oldest first
  std::size_t dropped() const { return dropped_; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.changes_, self.dropped_);
  }

 private:
  std::deque<ThresholdChange> changes_;
  std::size_t dropped_ = 0;
};

}  // namespace hostmedic::detect
