// SPDX-License-Identifier: Apache-2.0
// All rows of a hash map of a BPF program, read in one call, beside what they were at the reading before. Allocates at
// the start only. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "probes/bpf/load.h"

namespace hostmedic::bpf {

template <class Key, class Value>
class MapRows {
 public:
  // most: the map's max_entries. map_fd must stay open longer than this.
  MapRows(int map_fd, std::uint32_t most) : map_fd_(map_fd), now_(most), before_(most) {}

  Status read() {
    std::swap(now_, before_);
    now_.count = 0;
    const auto count = read_rows(map_fd_, now_.keys.data(), now_.values.data(), most());
    if (!count) return count.error();
    now_.count = *count;
    for (std::uint32_t i = 0; i < *count; ++i) now_.order[i] = i;
    std::sort(now_.order.begin(), now_.order.begin() + *count,
              [&](std::uint32_t a, std::uint32_t b) { return compare(now_.keys[a], now_.keys[b]) < 0; });
    return ok();
  }

  // visit(key, now, before): before is nullptr for a row that the reading before did not have. After a failed read
  // there are no rows.
  template <class Visit>
  void each(Visit visit) const {
    std::uint32_t old = 0;
    for (std::uint32_t i = 0; i < now_.count; ++i) {
      const Key& key = now_.keys[now_.order[i]];
      while (old < before_.count && compare(before_.keys[before_.order[old]], key) < 0) ++old;
      const bool known = old < before_.count && compare(before_.keys[before_.order[old]], key) == 0;
      visit(key, now_.values[now_.order[i]], known ? &before_.values[before_.order[old]] : nullptr);
    }
  }

 private:
  std::uint32_t most() const { return static_cast<std::uint32_t>(now_.keys.size()); }
  static int compare(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a); }
  struct Reading {
    explicit Reading(std::uint32_t most) : keys(most), values(most), order(most) {}
    std::vector<Key> keys;
    std::vector<Value> values;
    std::vector<std::uint32_t> order;
    std::uint32_t count = 0;
  };
  int map_fd_;
  Reading now_, before_;
};

}  // namespace hostmedic::bpf
