// SPDX-License-Identifier: Apache-2.0
#include "probes/process/ledger.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic::process {
namespace {

constexpr std::size_t kMostPlaces = 4096;
constexpr std::string_view kKernel = "(kernel)";

constexpr std::size_t index(auto which) { return static_cast<std::size_t>(which); }

// The tick that splits the measured time into its two parts is coarse, so that one part may seem to fall while the sum
// grows. As the kernel does for its own text: neither part falls and the sum stays what it is.
void keep_growing(std::uint64_t old_user, std::uint64_t old_system, std::uint64_t& user, std::uint64_t& system) {
  const std::uint64_t sum = user + system;
  if (sum < old_user + old_system) {
    user = old_user;
    system = old_system;
    return;
  }
  system = std::max(system, old_system);
  user = sum - system;
  if (user < old_user) {
    user = old_user;
    system = sum - user;
  }
}

std::size_t first_slot(std::uint32_t pid, std::size_t slots) {
  return (static_cast<std::size_t>(pid) * 0x9e3779b97f4a7c15ULL >> 20) & (slots - 1);
}

}  // namespace

void ProcessLedger::begin(MonoTime now) {
  now_ = now;
  ++sweep_;
  not_followed_ = 0;
}

ProcessLedger::Process* ProcessLedger::find(std::uint32_t pid) {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = first_slot(pid, slots_.size()); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    if (processes_[slots_[at] - 1].pid == pid) return &processes_[slots_[at] - 1];
  }
  return nullptr;
}

void ProcessLedger::insert(std::size_t process) {
  std::size_t at = first_slot(processes_[process].pid, slots_.size());
  while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = static_cast<std::uint32_t>(process + 1);
}

void ProcessLedger::rebuild() {
  std::size_t wanted = std::max<std::size_t>(256, slots_.size());
  while (wanted < processes_.size() * 2) wanted *= 2;
  slots_.assign(wanted, 0);
  for (std::size_t i = 0; i < processes_.size(); ++i) insert(i);
}

void ProcessLedger::count(const Process& process, Counter counter, std::uint64_t amount) {
  for (std::size_t kind = 0; kind < kGroupKinds; ++kind) groups_[kind].count(process.groups[kind], counter, amount);
}

void ProcessLedger::leave(Process& process) {
  for (std::size_t kind = 0; kind < kGroupKinds; ++kind) {
    for (std::size_t gauge = 0; gauge < kGauges; ++gauge) {
      if ((process.known & bit(Gauge(gauge))) != 0)
        groups_[kind].change(process.groups[kind], Gauge(gauge), process.gauges[gauge], 0);
    }
    groups_[kind].left(process.groups[kind], now_);
    process.groups[kind] = GroupTable::kNone;
  }
}

// Finds the process's groups. What it holds moves along, what it has counted stays where it was counted.
void ProcessLedger::place(Process& process, const ProcessRecord& record) {
  const auto known = places_.find(record.group);
  Place found;
  process.group = record.group;
  if (known != places_.end()) {
    found = known->second;
  } else if (record.group != 0) {
    if (places_.size() >= kMostPlaces) places_.clear();
    if (auto asked = finder_.find(record.pid)) {
      found = places_.emplace(record.group, std::move(*asked)).first->second;
    } else {
      process.group = 0;  // asked again with the next record
    }
  }
  process.name = record.name;
  const std::string name = record.kernel ? std::string(kKernel) : printable(record.executable(), 64);
  const std::array<GroupTable::Index, kGroupKinds> wanted{
      groups(GroupKind::unit).find(found.unit), groups(GroupKind::container).find(found.container),
      groups(GroupKind::executable).find(name.empty() ? "(unnamed)" : name)};
  for (std::size_t kind = 0; kind < kGroupKinds; ++kind) groups_[kind].joined(wanted[kind]);
  leave(process);
  process.groups = wanted;
  for (std::size_t kind = 0; kind < kGroupKinds; ++kind) {
    for (std::size_t gauge = 0; gauge < kGauges; ++gauge) {
      if ((process.known & bit(Gauge(gauge))) != 0)
        groups_[kind].change(wanted[kind], Gauge(gauge), 0, process.gauges[gauge]);
    }
  }
}

void ProcessLedger::update(Process& process, const ProcessRecord& record) {
  auto counters = record.counters;
  keep_growing(process.counters[index(Counter::user_time)], process.counters[index(Counter::system_time)],
               counters[index(Counter::user_time)], counters[index(Counter::system_time)]);
  for (std::size_t i = 0; i < kCounters; ++i) {
    const auto counter = Counter(i);
    if ((record.known & bit(counter)) == 0) continue;
    const bool first = (process.known & bit(counter)) == 0;
    std::uint64_t& last = process.counters[i];
    // Before we looked it is not ours to tell; the group's counter begins with us.
    const std::uint64_t from = first && process.started < began_ ? counters[i] : last;
    count(process, counter, counters[i] > from ? counters[i] - from : 0);
    // A sum may be short by a thread that just ended, and is whole again the next time. Only the delay goes with it.
    last = counter == Counter::run_delay ? counters[i] : std::max(last, counters[i]);
  }
  for (std::size_t i = 0; i < kGauges; ++i) {
    const auto gauge = Gauge(i);
    if ((record.known & bit(gauge)) == 0) continue;
    for (std::size_t kind = 0; kind < kGroupKinds; ++kind)
      groups_[kind].change(process.groups[kind], gauge, process.gauges[i], record.gauges[i]);
    process.gauges[i] = record.gauges[i];
  }
  process.known |= record.known;
}

void ProcessLedger::process(const ProcessRecord& record) {
  Process* process = find(record.pid);
  if (process != nullptr && process->started != record.started) {  // the pid is used again
    leave(*process);
    *process = {};
  } else if (process == nullptr) {
    if (processes_.size() >= kMostFollowed) {
      ++not_followed_;
      return;
    }
    processes_.emplace_back();
    process = &processes_.back();
    process->pid = record.pid;
    if (processes_.size() * 2 > slots_.size()) {
      rebuild();
    } else {
      insert(processes_.size() - 1);
    }
  }
  const bool fresh = process->groups[index(GroupKind::executable)] == GroupTable::kNone;
  process->pid = record.pid;
  process->started = record.started;
  process->seen = sweep_;
  if (fresh || process->group != record.group || process->name != record.name) place(*process, record);
  update(*process, record);
}

void ProcessLedger::alive(std::uint32_t pid) {
  if (Process* process = find(pid)) process->seen = sweep_;
}

void ProcessLedger::end(bool complete) {
  if (!complete) return;
  const std::size_t before = processes_.size();
  for (std::size_t i = 0; i < processes_.size();) {
    if (processes_[i].seen == sweep_) {
      ++i;
      continue;
    }
    leave(processes_[i]);
    processes_[i] = processes_.back();
    processes_.pop_back();
  }
  if (processes_.size() != before) rebuild();
}

}  // namespace hostmedic::process
