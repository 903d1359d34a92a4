// SPDX-License-Identifier: Apache-2.0
// A ring of fixed capacity that counts what it had to refuse. Not synchronised; the owner says its thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace hostmedic {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : slots_(capacity) {}

  // False, and counted as dropped, when full: the newest is refused, what waits is kept.
  bool push(T value) {
    if (size_ == slots_.size()) {
      ++dropped_;
      return false;
    }
    slots_[(head_ + size_) % slots_.size()] = std::move(value);
    ++size_;
    return true;
  }
  std::optional<T> pop() {
    if (size_ == 0) return std::nullopt;
    T value = std::move(slots_[head_]);
    slots_[head_] = T{};
    head_ = (head_ + 1) % slots_.size();
    --size_;
    return value;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::vector<T> slots_;
  std::size_t head_ = 0, size_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace hostmedic
