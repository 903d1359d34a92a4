// SPDX-License-Identifier: Apache-2.0
// Quantiles of signed numbers in constant memory: a histogram of weights in bins that grow by half a power of two,
// mirrored at zero. A quantile is in the right bin, so off by at most 41% of its own distance from zero, and by a few
// per cent as a rule, since mass is spread evenly inside a bin; so numbers are entered as distances from a centre (see
// level_scale.h). 64 bins a side span 4e9 : 1; what is smaller counts as zero. Can forget, and can be merged. 532
// bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

namespace hostmedic::detect {

class QuantileSketch {
 public:
  static constexpr int kSide = 64;

  // x must be finite, weight > 0.
  void add(double x, double weight = 1);
  // What is in counts for so much (0..1) of what it counted.
  void fade(double factor);
  void clear() { *this = {}; }
  // The other's weights are added to these.
  void merge(const QuantileSketch& other);

  double weight() const { return total_ / unit_; }
  double zero_share() const { return total_ > 0 ? static_cast<double>(zero_) / total_ : 1; }
  // 0 while it is empty. q in 0..1.
  double quantile(double q) const;
  // Of the distance from zero, whichever the sign.
  double quantile_of_distance(double q) const;
  // All in it moves by so much; narrow bins that move far are not told apart any more.
  void shift(double by);
  // All in it is multiplied, to the nearest half power of two. factor > 0.
  void scale(double factor);

  bool sane() const;
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.above_, self.below_, self.zero_, self.top_, self.unit_, self.total_);
  }

 private:
  using Side = std::array<float, kSide>;
  static int index_of(double distance);
  static double edge(int index);
  int slot_of(int index);
  void put(double x, double weight);
  void settle();
  // The distance at which so much weight of this side is passed, counted from zero.
  double walk(const Side& side, double weight) const;

  Side above_{}, below_{};  // by distance: the last bin ends at edge(top_ + 1)
  float zero_ = 0;
  std::int32_t top_ = kNoTop;
  double unit_ = 1;   // what a weight of 1 adds now; grows instead of all bins shrinking
  double total_ = 0;  // in units of the bins
  static constexpr std::int32_t kNoTop = -100000;
};

}  // namespace hostmedic::detect
