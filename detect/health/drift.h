// SPDX-License-Identifier: Apache-2.0
// How far the numbers that a model sees, or gives, are from what they were: two histograms of the same fixed bins, of
// the last while and of the long run, and their distance. PSI is the population stability index, sum (p - q) ln(p / q),
// with the usual reading below 0.1 the same, above 0.25 another population; KS is Kolmogorov and Smirnov's largest
// distance of the two distribution functions. Constant memory, no allocation. One owner.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <tuple>

#include "detect/model/state_codec.h"

namespace hostmedic::detect {

inline constexpr double kStable = 0.1, kDrifted = 0.25;  // of the PSI

// Counts of positive numbers by powers of two from 1/16 to 2^13, with one bin below and one above. They fade: every
// add() weighs a little more than the one before, by 1 / (1 - 1 / memory).
class FadingHistogram {
 public:
  static constexpr std::size_t kBins = 18;
  explicit FadingHistogram(double memory) : growth_(1 / (1 - 1 / memory)) {}

  void add(double value) {
    counts_[bin(value)] += weight_;
    total_ += weight_;
    weight_ *= growth_;
    if (weight_ > 1e12) rescale();
  }
  double total() const { return total_ / weight_; }  // in readings, as far as they are remembered
  double share(std::size_t bin) const { return total_ > 0 ? counts_[bin] / total_ : 0; }
  // The share of what was seen that is at least this; within one bin, by its whole.
  double share_from(double value) const {
    double sum = 0;
    for (std::size_t i = bin(value); i < kBins; ++i) sum += share(i);
    return sum;
  }
  static std::size_t bin(double value) {
    if (!(value >= kLeast)) return 0;
    const int exponent = std::ilogb(value / kLeast);
    return exponent >= static_cast<int>(kBins) - 2 ? kBins - 1 : static_cast<std::size_t>(exponent) + 1;
  }
  void save(StateWriter& writer) const {
    writer.put_all(std::span<const double>(counts_));
    writer.put(total_);
    writer.put(weight_);
  }
  bool load(StateReader& reader) {
    reader.get_all(std::span<double>(counts_));
    total_ = reader.get<double>();
    weight_ = reader.get<double>();
    if (reader.good() && weight_ >= 1 && total_ >= 0) return true;
    counts_ = {};
    total_ = 0;
    weight_ = 1;
    return false;
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.counts_, self.total_, self.weight_);
  }

 private:
  static constexpr double kLeast = 1.0 / 16;
  void rescale() {
    for (double& count : counts_) count /= weight_;
    total_ /= weight_;
    weight_ = 1;
  }
  std::array<double, kBins> counts_{};
  double total_ = 0, weight_ = 1;
  double growth_;
};

inline double psi(const FadingHistogram& now, const FadingHistogram& before) {
  constexpr double kLeastShare = 1e-3;  // an empty bin is not infinitely far from one that holds a single reading
  double sum = 0;
  for (std::size_t i = 0; i < FadingHistogram::kBins; ++i) {
    const double p = std::fmax(now.share(i), kLeastShare), q = std::fmax(before.share(i), kLeastShare);
    sum += (p - q) * std::log(p / q);
  }
  return sum;
}

inline double ks(const FadingHistogram& now, const FadingHistogram& before) {
  double p = 0, q = 0, most = 0;
  for (std::size_t i = 0; i < FadingHistogram::kBins; ++i) {
    p += now.share(i);
    q += before.share(i);
    most = std::fmax(most, std::abs(p - q));
  }
  return most;
}

// A stream of numbers against its own past.
class Drift {
 public:
  // In readings: how long the present and the past are remembered.
  Drift(double recent, double past) : recent_(recent), past_(past), enough_(recent) {}
  void add(double value) {
    recent_.add(value);
    past_.add(value);
  }
  // False until the past holds several times what the present does.
  bool known() const { return past_.total() >= 3 * enough_; }
  double psi() const { return detect::psi(recent_, past_); }
  double ks() const { return detect::ks(recent_, past_); }
  void save(StateWriter& writer) const {
    recent_.save(writer);
    past_.save(writer);
  }
  bool load(StateReader& reader) { return recent_.load(reader) && past_.load(reader); }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.recent_, self.past_);
  }

 private:
  FadingHistogram recent_, past_;
  double enough_;
};

}  // namespace hostmedic::detect
