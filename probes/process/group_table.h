// SPDX-License-Identifier: Apache-2.0
// Groups of processes by name, of one kind: units, containers or executables. Only a bounded number is shown by name,
// those that use the most; all others are one group together. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "probes/process/source.h"

namespace hostmedic::process {

// What the members of a group have counted since we look, those that have ended included, and what they hold now.
struct Sums {
  std::array<std::uint64_t, kCounters> counters{};
  std::array<std::uint64_t, kGauges> gauges{};
  std::uint32_t told = 0;  // bits of the counters and gauges that any member ever told
  std::uint64_t members = 0;

  std::uint64_t operator[](Counter counter) const { return counters[static_cast<std::size_t>(counter)]; }
  std::uint64_t operator[](Gauge gauge) const { return gauges[static_cast<std::size_t>(gauge)]; }
};

struct Group {
  std::string name;          // empty: free
  std::uint64_t serial = 0;  // never the same again, for whoever keeps something beside it
  bool shown = false;
  Sums sums;
  std::uint64_t ranked_cpu = 0;  // CPU time at the last ranking
  double score = 0;              // over some rankings
  MonoTime empty_since;
};

class GroupTable {
 public:
  using Index = std::uint16_t;
  static constexpr Index kNone = 0xffff;
  static constexpr Index kOverflow = 0;  // takes whoever finds the table full
  static constexpr std::size_t kMostGroups = 512;
  // A group that lost its last member stays for this long, so that a restart does not begin new series.
  static constexpr Duration kKeepEmpty = std::chrono::minutes(5);

  // at_once: a new group is shown from its beginning while there is room. Else it must live to see a ranking, for names
  // that come and go by the second are worth no series.
  GroupTable(std::size_t most_shown, bool at_once) : most_shown_(most_shown), at_once_(at_once), groups_(1) {}

  // The group of that name, made if need be; kNone for no name. Valid while it has members.
  Index find(std::string_view name);
  // All of these do nothing for kNone.
  void joined(Index group);
  void left(Index group, MonoTime now);
  void count(Index group, Counter counter, std::uint64_t amount);
  void change(Index group, Gauge gauge, std::uint64_t from, std::uint64_t to);

  // Shows the groups that have used the most of late. A group that is shown gives its place only to one that uses twice
  // as much, and groups that have been empty for long are forgotten. To be called every kRankInterval.
  static constexpr Duration kRankInterval = std::chrono::seconds(10);
  void rank(MonoTime now);

  std::size_t size() const { return groups_.size(); }
  const Group& operator[](std::size_t group) const { return groups_[group]; }
  // Of all that are not shown. Its counters never fall: what a group counted while it was not shown stays here.
  Sums others() const;

 private:
  void score();
  void forget_empty(MonoTime now);
  void show(Group& group);

  const std::size_t most_shown_;
  const bool at_once_;
  std::vector<Group> groups_;
  std::map<std::string, Index, std::less<>> by_name_;
  std::vector<Index> free_;
  Sums others_;  // its counters only
  std::size_t shown_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace hostmedic::process
