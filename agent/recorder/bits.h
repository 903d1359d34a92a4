// SPDX-License-Identifier: Apache-2.0
// Bits into bytes and back, highest bit first. One owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hostmedic {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(std::uint64_t value, unsigned bits) {  // the lowest bits of value; bits <= 64
    while (bits > 0) {
      const unsigned room = 8 - used_;
      const unsigned now = bits < room ? bits : room;
      const auto part = static_cast<unsigned>((value >> (bits - now)) & ((1U << now) - 1));
      if (used_ == 0) out_.push_back(0);
      out_.back() = static_cast<char>(static_cast<unsigned char>(out_.back()) | (part << (room - now)));
      used_ = (used_ + now) % 8;
      bits -= now;
    }
  }
  // Groups of three bits, lowest first, each after a bit that says whether more follow.
  void put_number(std::uint64_t value) {
    for (; value > 7; value >>= 3) put(8 | (value & 7), 4);
    put(value, 4);
  }
  void put_signed(std::int64_t value) {
    put_number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }

 private:
  std::string& out_;
  unsigned used_ = 0;  // bits of the last byte
};

// Past the end it gives zeros and is failed.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t get(unsigned bits) {
    std::uint64_t value = 0;
    while (bits > 0) {
      if (at_ / 8 >= bytes_.size()) return failed_ = true, 0;
      const unsigned room = 8 - static_cast<unsigned>(at_ % 8);
      const unsigned now = bits < room ? bits : room;
      const unsigned byte = static_cast<unsigned char>(bytes_[at_ / 8]);
      value = value << now | ((byte >> (room - now)) & ((1U << now) - 1));
      at_ += now;
      bits -= now;
    }
    return value;
  }
  std::uint64_t get_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 66; shift += 3) {
      const std::uint64_t group = get(4);
      if (shift < 64) value |= (group & 7) << shift;
      if ((group & 8) == 0) return value;
    }
    return failed_ = true, 0;
  }
  std::int64_t get_signed() {
    const std::uint64_t value = get_number();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  bool good() const { return !failed_; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace hostmedic
