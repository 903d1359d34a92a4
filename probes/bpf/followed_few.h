// SPDX-License-Identifier: Apache-2.0
// The few names out of many that are followed, so that the number of series has a bound: each from when it was among
// the busiest and there was room, until it was idle for a while. One thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "agent/base/time.h"

namespace hostmedic::bpf {

template <class Known>
class FollowedFew {
 public:
  FollowedFew(std::size_t most, Duration idle) : most_(most), idle_(idle) {}

  // What is known of a name that did something now; nullptr when it is not followed.
  Known* find(std::string_view name, MonoTime now) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    found->second.active = now;
    return &found->second.known;
  }
  // Ask in the order of importance. nullptr: there is no room.
  Known* follow(std::string_view name, MonoTime now) {
    if (entries_.size() >= most_) return nullptr;
    return &entries_.emplace(std::string(name), Entry{Known{}, now}).first->second.known;
  }
  // drop(known) for those that were idle too long.
  template <class Drop>
  void expire(MonoTime now, Drop drop) {
    std::erase_if(entries_, [&](auto& entry) {
      if (now - entry.second.active < idle_) return false;
      drop(entry.second.known);
      return true;
    });
  }
  template <class Visit>
  void each(Visit visit) {
    for (auto& [name, entry] : entries_) visit(entry.known);
  }

 private:
  struct Entry {
    Known known;
    MonoTime active;
  };
  std::map<std::string, Entry, std::less<>> entries_;
  std::size_t most_;
  Duration idle_;
};

}  // namespace hostmedic::bpf
