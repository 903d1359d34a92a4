// SPDX-License-Identifier: Apache-2.0
// How much a series resembles itself 1, 2, 4, 8 and 16 readings before, by decayed sums over the last `memory`
// readings. Readings are taken as evenly spaced. Constant memory, about 250 bytes; one per series.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

namespace hostmedic::detect {

class Autocorrelation {
 public:
  static constexpr std::array<int, 5> kLags{1, 2, 4, 8, 16};

  void step(double x, double memory) {
    ++seen_;
    const double share = 1 / (seen_ < memory ? seen_ : memory);
    mean_ += share * (x - mean_);
    const double off = x - mean_;
    square_ += share * (off * off - square_);
    for (std::size_t i = 0; i < kLags.size(); ++i) {
      if (seen_ <= kLags[i]) continue;
      const double before = past_[(head_ + kPast - static_cast<unsigned>(kLags[i])) % kPast];
      product_[i] += share * (off * (before - mean_) - product_[i]);
    }
    past_[head_] = x;
    head_ = static_cast<std::uint8_t>((head_ + 1) % kPast);
    if (seen_ > kMany) seen_ = kMany;
  }
  // -1..1; 0 while it is not known or the series is constant. i: index into kLags.
  double at(std::size_t i) const {
    if (seen_ <= 2 * kLags[i] || square_ <= 0) return 0;
    const double r = product_[i] / square_;
    return r > 1 ? 1 : (r < -1 ? -1 : r);
  }

  bool sane() const { return head_ < kPast && square_ >= 0 && seen_ >= 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.past_, self.product_, self.mean_, self.square_, self.seen_, self.head_);
  }

 private:
  static constexpr unsigned kPast = 16;
  static constexpr double kMany = 1e9;
  std::array<double, kPast> past_{};
  std::array<double, kLags.size()> product_{};
  double mean_ = 0, square_ = 0, seen_ = 0;
  std::uint8_t head_ = 0;
};

}  // namespace hostmedic::detect
