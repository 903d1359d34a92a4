// SPDX-License-Identifier: Apache-2.0
#include "probes/process/group_table.h"

#include <algorithm>

namespace hostmedic::process {
namespace {

std::uint64_t cpu_time(const Sums& sums) { return sums[Counter::user_time] + sums[Counter::system_time]; }

constexpr double kWeightOfLast = 0.2;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

}  // namespace

GroupTable::Index GroupTable::find(std::string_view name) {
  if (name.empty()) return kNone;
  if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  Index index = kOverflow;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else if (groups_.size() < kMostGroups) {
    index = static_cast<Index>(groups_.size());
    groups_.emplace_back();
  } else {
    return kOverflow;
  }
  Group& group = groups_[index];
  group = {};
  group.name = name;
  group.serial = ++serial_;
  by_name_.emplace(name, index);
  if (at_once_ && shown_ < most_shown_) show(group);
  return index;
}

void GroupTable::show(Group& group) {
  group.shown = true;
  ++shown_;
}

void GroupTable::joined(Index group) {
  if (group != kNone) ++groups_[group].sums.members;
}

void GroupTable::left(Index group, MonoTime now) {
  if (group == kNone) return;
  if (--groups_[group].sums.members == 0) groups_[group].empty_since = now;
}

void GroupTable::count(Index group, Counter counter, std::uint64_t amount) {
  if (group == kNone) return;
  const auto add = [&](Sums& sums) {
    sums.counters[static_cast<std::size_t>(counter)] += amount;
    sums.told |= bit(counter);
  };
  add(groups_[group].sums);
  if (!groups_[group].shown) add(others_);
}

void GroupTable::change(Index group, Gauge gauge, std::uint64_t from, std::uint64_t to) {
  if (group == kNone) return;
  Sums& sums = groups_[group].sums;
  sums.gauges[static_cast<std::size_t>(gauge)] += to - from;  // wraps back where it falls
  sums.told |= bit(gauge);
}

// What part of everything a group uses: of the CPU time since the last ranking and of the memory now.
void GroupTable::score() {
  double cpu = 0, memory = 0;
  for (const Group& group : groups_) {
    cpu += static_cast<double>(cpu_time(group.sums) - group.ranked_cpu);
    memory += static_cast<double>(group.sums[Gauge::rss_bytes]);
  }
  for (Group& group : groups_) {
    const double now = share(static_cast<double>(cpu_time(group.sums) - group.ranked_cpu), cpu) +
                       share(static_cast<double>(group.sums[Gauge::rss_bytes]), memory);
    group.score += (now - group.score) * kWeightOfLast;
    group.ranked_cpu = cpu_time(group.sums);
  }
}

void GroupTable::forget_empty(MonoTime now) {
  for (std::size_t i = 1; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    if (group.name.empty() || group.sums.members > 0 || now - group.empty_since < kKeepEmpty) continue;
    if (group.shown) --shown_;
    by_name_.erase(group.name);
    group = {};
    free_.push_back(static_cast<Index>(i));
  }
}

void GroupTable::rank(MonoTime now) {
  forget_empty(now);
  score();
  for (;;) {
    Group *best = nullptr, *least = nullptr;
    for (std::size_t i = 1; i < groups_.size(); ++i) {
      Group& group = groups_[i];
      if (group.name.empty()) continue;
      if (!group.shown && group.sums.members == 0) continue;
      if (group.shown && (least == nullptr || group.score < least->score)) least = &group;
      if (!group.shown && (best == nullptr || group.score > best->score)) best = &group;
    }
    if (best == nullptr) return;
    if (shown_ >= most_shown_) {
      if (least == nullptr || best->score <= 2 * least->score) return;
      least->shown = false;
      --shown_;
    }
    show(*best);
  }
}

Sums GroupTable::others() const {
  Sums sums = others_;
  for (const Group& group : groups_) {
    if (group.shown) continue;
    for (std::size_t i = 0; i < kGauges; ++i) sums.gauges[i] += group.sums.gauges[i];
    sums.members += group.sums.members;
    sums.told |= group.sums.told;
  }
  return sums;
}

}  // namespace hostmedic::process
