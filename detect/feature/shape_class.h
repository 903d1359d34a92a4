// SPDX-License-Identifier: Apache-2.0
// What kind of series this is, by how it moved so far, and which models have something to learn from it. Constant
// memory, about 500 bytes; one per series.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "detect/feature/autocorrelation.h"
#include "detect/feature/moving.h"
#include "detect/feature/seasonal_profile.h"

namespace hostmedic::detect {

enum class Shape : std::uint8_t {
  unknown,   // too little was seen
  constant,  // hardly ever anything but one value
  counter,   // never falls and mostly rises
  leak,      // its low points keep rising
  bursty,    // near its lowest most of the time, far above it at times
  periodic,  // the time of day, or its own recent past, foretells it
  ratio,     // within 0..1 and none of these
  other,
};
std::string_view to_string(Shape shape);
// Whether the model of that name has something to learn from such a series; a model that is not listed always has.
bool suits(Shape shape, std::string_view detector);

class ShapeClassifier {
 public:
  // week_second: seconds since Monday, or any clock that goes around in a week. x must be known.
  void step(double x, double elapsed, double week_second);
  Shape shape() const;
  // Share of the variance that the time of day and week foretell.
  double seasonal() const { return profile_.explained(); }

  bool sane() const { return readings_ >= 0 && block_ >= 0 && blocks_ >= 0 && blocks_ <= kBlocks; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.last_, self.lowest_, self.minimum_, self.minima_, self.rises_, self.falls_, self.near_low_,
                    self.level_, self.range_, self.past_, self.profile_, self.readings_, self.block_, self.blocks_);
  }

 private:
  static constexpr int kBlocks = 12;        // of minima
  static constexpr int kBlock = 300;        // readings in one
  static constexpr double kMemory = 20000;  // readings that shares are taken over

  void close_block();
  bool leaks() const;

  double last_ = 0, lowest_ = 0;
  double minimum_ = 0;  // of the present block
  std::array<double, kBlocks> minima_{};
  MovingMean rises_, falls_, near_low_, level_;  // shares of readings; the mean
  RunningRange range_;
  Autocorrelation past_;
  SeasonalProfile profile_;
  std::int32_t readings_ = 0, block_ = 0, blocks_ = 0;
};

}  // namespace hostmedic::detect
