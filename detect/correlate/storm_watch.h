// SPDX-License-Identifier: Apache-2.0
// Tells when so much departs at once that no single cause can be told: then one incident stands for all, and nothing is
// done by itself. Time comes with the calls. Constant memory; one owner.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>

#include "agent/base/time.h"

namespace hostmedic::detect {

// The last N moments; tells how many lie within a window.
template <std::size_t N>
class LastMoments {
 public:
  void add(MonoTime at) {
    moments_[next_ % N] = at;
    ++next_;
  }
  std::size_t since(MonoTime from) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < N && i < next_; ++i) count += moments_[i] >= from ? 1 : 0;
    return count;
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.moments_, self.next_);
  }

 private:
  std::array<MonoTime, N> moments_{};
  std::size_t next_ = 0;
};

class StormWatch {
 public:
  static constexpr std::size_t kMostAnomalies = 50;  // more than this many in the window are a storm
  static constexpr Duration kWindow = std::chrono::minutes(5);
  // So many roots that nothing explains, in so short a time, are the front of one: it need not be waited for.
  static constexpr std::size_t kMostOpenings = 10;
  static constexpr Duration kFront = std::chrono::seconds(10);
  // So many already may be the front of a storm: nothing is told from them, but the hand waits until it is over.
  static constexpr std::size_t kMostCalm = 2;

  void anomaly(MonoTime now) { anomalies_.add(now); }  // a signal began to fire
  void opening(MonoTime now) { openings_.add(now); }   // it would open an incident of its own
  // Begins above the bounds, ends when less than half of it is left.
  bool raging(MonoTime now) {
    const std::size_t recent = anomalies_.since(now - kWindow);
    raging_ = raging_ ? 2 * recent > kMostAnomalies || openings_.since(now - kWindow) > kMostOpenings / 2
                      : recent > kMostAnomalies || openings_.since(now - kFront) >= kMostOpenings;
    return raging_;
  }
  bool gathering(MonoTime now) const { return openings_.since(now - kFront) > kMostCalm; }
  std::size_t recent(MonoTime now) const { return anomalies_.since(now - kWindow); }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.anomalies_, self.openings_, self.raging_);
  }

 private:
  LastMoments<256> anomalies_;
  LastMoments<32> openings_;
  bool raging_ = false;
};

}  // namespace hostmedic::detect
