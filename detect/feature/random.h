// SPDX-License-Identifier: Apache-2.0
// Numbers that look random and follow from a seed alone, the same on every compiler and library: SplitMix64 (Steele,
// Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). Not for secrets. One owner.
#pragma once

#include <cstdint>

namespace hostmedic::detect {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  // In [0, 1), in steps that a float holds exactly.
  float unit() { return static_cast<float>(next() >> 40) * 0x1p-24F; }
  // Below count, which is not 0. Uneven by at most count / 2^32.
  std::uint32_t below(std::uint32_t count) { return static_cast<std::uint32_t>(((next() >> 32) * count) >> 32); }

  std::uint64_t state() const { return state_; }

 private:
  std::uint64_t state_;
};

}  // namespace hostmedic::detect
