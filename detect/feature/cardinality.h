// SPDX-License-Identifier: Apache-2.0
// How many different things were seen lately (users, destinations, templates): HyperLogLog with 256 registers, standard
// error 6.5%, 256 bytes; and the same over a window that moves, by two sketches in turn, with a shift of the number
// against the windows before. Pure arithmetic on 64-bit hashes that the caller makes (fnv1a of a text will do: it is
// mixed again here).
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

#include "detect/feature/moving.h"

namespace hostmedic::detect {

class HyperLogLog {
 public:
  void add(std::uint64_t hash);
  void merge(const HyperLogLog& other);
  void clear() { registers_.fill(0); }
  double count() const;

  bool sane() const;
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.registers_);
  }

 private:
  static constexpr int kBits = 8;
  static constexpr std::size_t kRegisters = 1U << kBits;
  std::array<std::uint8_t, kRegisters> registers_{};
};

// Different things in the last one to two windows.
class MovingCardinality {
 public:
  explicit MovingCardinality(double window_seconds) : window_(window_seconds) {}

  // The time passes; call it before add() and once a tick at least.
  void step(double elapsed);
  void add(std::uint64_t hash) { current_.add(hash); }
  double count() const;
  // How many deviations the last whole window is above (or below) the windows before it, by the logarithm of its
  // count; at least the error of the sketch counts as one deviation. 0 while less than four windows are known.
  double shift() const { return shift_; }

  bool sane() const { return windows_ >= 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.current_, self.previous_, self.usual_, self.into_, self.windows_, self.shift_);
  }

 private:
  void close();

  const double window_;
  HyperLogLog current_, previous_;
  MovingVariance usual_;  // of the logarithm of a window's count
  double into_ = 0;       // seconds into the window
  std::int32_t windows_ = 0;
  double shift_ = 0;
};

}  // namespace hostmedic::detect
