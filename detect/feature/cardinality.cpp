// SPDX-License-Identifier: Apache-2.0
#include "detect/feature/cardinality.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hostmedic::detect {

namespace {

constexpr double kMemoryWindows = 28;  // that the usual count is taken from
constexpr std::int32_t kFew = 4;       // windows
constexpr double kError = 0.065;       // 1.04 / sqrt(256)

// The finalizer of SplitMix64: every bit of the hash depends on all of the input.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

void HyperLogLog::add(std::uint64_t hash) {
  const std::uint64_t mixed = mix(hash);
  const auto rank = static_cast<std::uint8_t>(std::min(std::countl_zero(mixed << kBits), 64 - kBits) + 1);
  std::uint8_t& best = registers_[mixed >> (64 - kBits)];
  best = std::max(best, rank);
}

void HyperLogLog::merge(const HyperLogLog& other) {
  for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

double HyperLogLog::count() const {
  constexpr double kAlpha = 0.7213 / (1 + 1.079 / 256);  // of the publication (Flajolet and others 2007)
  double sum = 0;
  int empty = 0;
  for (const std::uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    if (rank == 0) ++empty;
  }
  const double n = kRegisters, estimate = kAlpha * n * n / sum;
  // Few things: how many registers are empty says more.
  if (estimate <= 2.5 * n && empty > 0) return n * std::log(n / empty);
  return estimate;
}

bool HyperLogLog::sane() const {
  return std::ranges::all_of(registers_, [](std::uint8_t rank) { return rank <= 64 - kBits + 1; });
}

void MovingCardinality::step(double elapsed) {
  into_ += elapsed;
  if (into_ < window_) return;
  const bool missed = into_ >= 2 * window_;  // a whole window passed unseen: nothing is known of it
  close();
  if (missed) previous_.clear();
  into_ = std::fmod(into_, window_);
}

void MovingCardinality::close() {
  const double logarithm = std::log1p(current_.count());
  shift_ = 0;
  if (windows_ >= kFew) shift_ = (logarithm - usual_.mean()) / std::max(usual_.deviation(), kError);
  usual_.step(logarithm, 1, kMemoryWindows);
  windows_ = std::min(windows_ + 1, kFew);
  previous_ = current_;
  current_.clear();
}

double MovingCardinality::count() const {
  HyperLogLog both = previous_;
  both.merge(current_);
  return both.count();
}

}  // namespace hostmedic::detect
