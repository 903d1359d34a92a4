// SPDX-License-Identifier: Apache-2.0
// State as bytes: little-endian fixed-width numbers, lengths before sequences. Who stores it adds version, checksum and
// bounds around it (detect/health/checkpoint.h, snapshot.h). A reader never reads past its end: from then on it is
// failed and answers zeros, and who reads asks once, at the end. One owner.
//
// There are two kinds of state. What was learnt is for another life: a moment of the monotonic clock may lie in the
// future when it is read again, after a boot, and a number that is not finite fails the reader. A snapshot is the same
// life gone on elsewhere, bit by bit: its reader, of exact(), takes every number as it is.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace hostmedic::detect {

static_assert(std::endian::native == std::endian::little, "checkpoints are written as they lie in memory");

// What were literals when they were written: the views that a reader gives back point in here. Bounded.
class Literals {
 public:
  static constexpr std::size_t kMost = 1024;
  // Empty beyond the bound.
  std::string_view keep(std::string_view text) {
    const auto known = texts_.find(text);
    if (known != texts_.end()) return *known;
    return texts_.size() < kMost ? std::string_view(*texts_.emplace(text).first) : std::string_view();
  }

 private:
  std::set<std::string, std::less<>> texts_;
};

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
    put_raw(values);
  }
  // Without their number.
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void put_raw(std::span<const Number> values) {
    out_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
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
  // For a snapshot; what was a literal is kept in `literals`, which must outlive what is read.
  static StateReader exact(std::string_view bytes, Literals& literals) {
    StateReader reader(bytes);
    reader.literals_ = &literals;
    return reader;
  }

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
      if (literals_ == nullptr && !std::isfinite(value)) return fail(), Number{};
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
  // As they lie, whatever they are: only for a snapshot.
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void get_raw(std::span<Number> ret_values) {
    if (left_.size() < ret_values.size_bytes()) return fail();
    if (ret_values.empty()) return;
    std::memcpy(ret_values.data(), left_.data(), ret_values.size_bytes());
    left_.remove_prefix(ret_values.size_bytes());
  }
  // A number of things to follow, at most this many.
  std::uint32_t get_count(std::uint32_t most) {
    const auto count = get<std::uint32_t>();
    if (count > most) return fail(), 0;
    return count;
  }
  std::string_view get_view(std::uint32_t most) {  // into the bytes
    const std::uint32_t size = get_count(most);
    if (size > left_.size()) return fail(), std::string_view();
    const std::string_view text = left_.substr(0, size);
    left_.remove_prefix(size);
    return text;
  }
  std::string get_text(std::uint32_t most) { return std::string(get_view(most)); }
  std::string_view get_literal() {
    constexpr std::uint32_t kMostLiteral = 256;
    const std::string_view text = get_view(kMostLiteral);
    const std::string_view kept = literals_ == nullptr ? std::string_view() : literals_->keep(text);
    if (kept != text) fail();
    return kept;
  }
  // What was read cannot be: nothing more is.
  void fail() {
    failed_ = true;
    left_ = {};
  }
  bool good() const { return !failed_; }
  bool at_end() const { return left_.empty(); }
  std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
  Literals* literals_ = nullptr;  // of a snapshot
  bool failed_ = false;
};

}  // namespace hostmedic::detect
