// SPDX-License-Identifier: Apache-2.0
// What a model remembers, as bytes: little-endian fixed-width numbers, lengths before sequences. The checkpoint
// (checkpoint.h) adds version, checksum and bounds around it. A moment of the monotonic clock may lie
// in the future when it is read again, after a boot: who keeps one begins anew then. A reader never reads past its end
// and never gives back a number that is not finite: from then on it is failed and answers zeros, and who reads asks
// once, at the end. One owner.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace hostmedic::detect {

static_assert(std::endian::native == std::endian::little, "checkpoints are written as they lie in memory");

class StateWriter {
 public:
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void put(Number value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    out_.append(bytes, sizeof value);
  }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void put_all(std::span<const Number> values) {
    put(static_cast<std::uint32_t>(values.size()));
    for (const Number value : values) put(value);
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  const std::string& bytes() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : left_(bytes) {}

  template <class Number>
    requires std::is_arithmetic_v<Number>
  Number get() {
    if constexpr (std::is_same_v<Number, bool>) {
      const auto byte = get<std::uint8_t>();  // another byte in a bool would not be one
      if (byte > 1) fail();
      return byte == 1;
    }
    Number value{};
    if (left_.size() < sizeof value) return fail(), Number{};
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    if constexpr (std::is_floating_point_v<Number>) {
      if (!std::isfinite(value)) return fail(), Number{};
    }
    return value;
  }
  // Exactly as many as there is room for; another number of them fails.
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void get_all(std::span<Number> ret_values) {
    if (get<std::uint32_t>() != ret_values.size()) fail();
    for (Number& value : ret_values) value = get<Number>();
  }
  // A number of things to follow, at most this many.
  std::uint32_t get_count(std::uint32_t most) {
    const auto count = get<std::uint32_t>();
    if (count > most) return fail(), 0;
    return count;
  }
  std::string get_text(std::uint32_t most) {
    const std::uint32_t size = get_count(most);
    if (size > left_.size()) return fail(), std::string();
    std::string text(left_.substr(0, size));
    left_.remove_prefix(size);
    return text;
  }
  bool good() const { return !failed_; }
  bool at_end() const { return left_.empty(); }

 private:
  void fail() {
    failed_ = true;
    left_ = {};
  }
  std::string_view left_;
  bool failed_ = false;
};

}  // namespace hostmedic::detect
