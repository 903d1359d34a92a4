// SPDX-License-Identifier: Apache-2.0
// Follows every process that a source tells of and adds up what they use by unit, by container and by executable. A
// group's counters only grow: what a process counted stays when it ends. Pure; one thread. Bounded: past
// kMostFollowed processes the rest is counted and not followed. Allocates only when processes or groups come.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "probes/process/group_table.h"
#include "probes/process/source.h"

namespace hostmedic::process {

// Where a control group belongs.
struct Place {
  std::string unit;       // "nginx.service"; empty for what is no service
  std::string container;  // its id
};
class PlaceFinder {
 public:
  virtual ~PlaceFinder() = default;
  // Of the control group that the process is in. nullopt: cannot be told now, ask again.
  virtual std::optional<Place> find(std::uint32_t pid) = 0;
};

enum class GroupKind : std::uint8_t { unit, container, executable };
inline constexpr std::size_t kGroupKinds = 3;
inline constexpr std::size_t kMostFollowed = 32768;

class ProcessLedger final : public ProcessVisitor {
 public:
  // What a process used before `began` is not counted.
  ProcessLedger(PlaceFinder& finder, MonoTime began) : finder_(finder), began_(began.time_since_epoch()) {}

  // The visits of one sweep go between begin() and end().
  void begin(MonoTime now);
  void process(const ProcessRecord& record) override;
  void alive(std::uint32_t pid) override;
  void end(bool complete);

  std::size_t followed() const { return processes_.size(); }
  std::uint64_t not_followed() const { return not_followed_; }  // records refused in the last sweep
  GroupTable& groups(GroupKind kind) { return groups_[static_cast<std::size_t>(kind)]; }
  const GroupTable& groups(GroupKind kind) const { return groups_[static_cast<std::size_t>(kind)]; }

 private:
  struct Process {
    std::uint32_t pid = 0, seen = 0, known = 0;
    std::array<GroupTable::Index, kGroupKinds> groups{GroupTable::kNone, GroupTable::kNone, GroupTable::kNone};
    Duration started{};
    std::uint64_t group = 0;
    std::array<std::uint64_t, kCounters> counters{};
    std::array<std::uint64_t, kGauges> gauges{};
    std::array<char, 16> name{};
  };

  Process* find(std::uint32_t pid);
  void insert(std::size_t index);
  void rebuild();
  void place(Process& process, const ProcessRecord& record);
  void leave(Process& process);
  void update(Process& process, const ProcessRecord& record);
  void count(const Process& process, Counter counter, std::uint64_t amount);

  PlaceFinder& finder_;
  const Duration began_;
  std::array<GroupTable, kGroupKinds> groups_{GroupTable(48, true), GroupTable(48, true), GroupTable(32, false)};
  std::vector<Process> processes_;
  std::vector<std::uint32_t> slots_;  // by pid, open addressing: index into processes_ plus 1; 0: free
  std::unordered_map<std::uint64_t, Place> places_;
  MonoTime now_;
  std::uint32_t sweep_ = 0;
  std::uint64_t not_followed_ = 0;
};

}  // namespace hostmedic::process
