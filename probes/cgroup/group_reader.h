// SPDX-License-Identifier: Apache-2.0
// Reads what control groups use, of services and of containers alike, and at a stated price. In each round it reads the
// CPU time of every group (one pread of a file that is kept open) and of at most kMostDetails groups everything else,
// about eight files that are opened for it. Which ones: those that used more than kBusy of a CPU in each round, those
// that used any CPU every kChanged, and those that rested every kResting. What is not read is not sampled. Owned by a
// probe; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "probes/cgroup/layout.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {

// How the values of a group are told: the metric and its attributes, by GroupValue.
struct GroupMetric {
  const MetricInfo* metric;
  std::string_view attributes;
};
using GroupMetrics = std::array<GroupMetric, kGroupValues>;

// What is known of one group between rounds.
struct FollowedGroup {
  EntityId entity = kNoEntity;
  std::string path;  // below every tree
  KeptFile cpu_file;
  const GroupFile* cpu = nullptr;  // null: nothing on this host says it
  std::array<SeriesId, kGroupValues> series;
  std::array<const GroupFile*, 16> details{};  // by row of the layout; null: none of the row's files is there
  std::optional<double> cpu_seconds, cpu_at_details;
  std::optional<MonoTime> read_at, details_at, looked_at;
  double busy = 0;  // CPUs used since the last round
};

class GroupReader {
 public:
  static constexpr std::size_t kMostDetails = 16;
  static constexpr double kBusy = 0.05;
  static constexpr Duration kChanged = std::chrono::seconds(10), kResting = std::chrono::seconds(60);

  // metrics must outlive this.
  GroupReader(int sys, CgroupLayout layout, const GroupMetrics& metrics);

  GroupReader(const GroupReader&) = delete;
  GroupReader& operator=(const GroupReader&) = delete;

  const CgroupLayout& layout() const { return layout_; }
  FollowedGroup follow(EntityId entity, const std::string& path);

  // A round over all groups; group(i) for i below count. Returns the first thing that was wrong, other than a group
  // that is gone: that sets vanished.
  template <class Group, class Name>
  Status round(std::size_t count, Group group, Name name, MonoTime now, Sink& sink) {
    vanished_ = false;
    Status status = ok();
    const auto take = [&](std::size_t i, Status one) {
      if (!one && status) status = std::move(one).error().in(name(i));
    };
    for (std::size_t i = 0; i < count; ++i) take(i, read_cpu(group(i), now, sink));
    std::size_t done = 0;
    for (std::size_t step = 0; step < count && done < kMostDetails; ++step) {
      const std::size_t i = (next_ + step) % count;
      if (!due(group(i), now)) continue;
      take(i, read_details(group(i), now, sink));
      if (++done == kMostDetails) next_ = (i + 1) % count;  // the rest comes first in the next round
    }
    return status;
  }
  bool vanished() const { return vanished_; }

 private:
  static bool due(const FollowedGroup& group, MonoTime now);
  Status read_cpu(FollowedGroup& group, MonoTime now, Sink& sink);
  Status read_details(FollowedGroup& group, MonoTime now, Sink& sink);
  Status read_detail(FollowedGroup& group, std::size_t row, GroupValues& values);
  Status read_file(const FollowedGroup& group, const GroupFile& file, GroupValues& values);
  bool has_groups_below(const FollowedGroup& group, const GroupFile& file);
  const std::string& path_of(const FollowedGroup& group, const GroupFile& file, const std::string& name);
  void tell(FollowedGroup& group, const GroupFile& file, const GroupValues& values, Sink& sink) const;

  const int sys_;
  const CgroupLayout layout_;
  const GroupMetrics& metrics_;
  std::size_t next_ = 0;
  bool vanished_ = false;
  std::string path_;  // reused, so that a round allocates nothing
};

}  // namespace hostmedic
