// SPDX-License-Identifier: Apache-2.0
// process.renice: the priority of processes for CPU and disk, with what each had before. A thread that differs from its
// process was set apart by somebody and is left alone.
#include <dirent.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/effect_victim.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::size_t kMostTreated = 16;  // the busiest; each is one detail of the outcome
constexpr int kMostThreads = 4096;
// Of the host's busiest process, in percent of a CPU and of what all use: who takes less is not why others wait. On a
// host that is full even a runaway gets only its part.
constexpr std::uint64_t kBusy = 10;
constexpr double kBusyShare = 0.2;
constexpr std::string_view kNow = "now_nice";

struct Priority {
  int nice = 0, io = 0;  // io: class << 13 | level, as ioprio_set(2) has it
  bool operator==(const Priority&) const = default;
};

std::optional<Priority> priority_of(int thread) {
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread));
  if (errno != 0) return std::nullopt;
  const auto io = ::syscall(SYS_ioprio_get, 1, thread);
  return Priority{nice, io < 0 ? 0 : static_cast<int>(io)};
}

bool set_priority(int thread, Priority wanted, Priority present) {
  if (wanted.nice != present.nice && ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), wanted.nice) != 0)
    return false;
  if (wanted.io != present.io && ::syscall(SYS_ioprio_set, 1, thread, wanted.io) != 0) return false;
  return priority_of(thread) == wanted;
}

// All threads that are as `from` says become as `to` says. The number of them; -1: one of them could not be set.
int change(const std::string& proc, int pid, Priority from, Priority to) {
  const std::string path = proc + "/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  int changed = 0;
  for (int seen = 0; dir && seen < kMostThreads; ++seen) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const auto thread = parse_u64(entry->d_name);
    if (!thread) continue;
    const int id = static_cast<int>(*thread);
    const auto present = priority_of(id);
    if (!present || *present != from) continue;
    if (!set_priority(id, to, *present)) {
      if (errno == ESRCH) continue;  // it ended meanwhile
      return -1;
    }
    ++changed;
  }
  return changed;
}

// The processes of the target that may be touched, the busiest first; ret_none: why there are none.
std::vector<ProcessSeen> members(const Plan& plan, const std::string& proc, const std::string& spare,
                                 std::string& ret_none) {
  std::vector<ProcessSeen> found;
  if (plan.target.kind == EntityKind::host) {
    VictimQuery query{.unit = {}, .name = {}, .spare = spare, .by = Measure::cpu, .least = kBusy};
    query.least_share = kBusyShare;
    auto busiest = find_victim(proc, query);
    if (busiest) found.push_back(std::move(busiest->process));
    if (!busiest) ret_none = busiest.error().message();
    return found;
  }
  const bool service = plan.target.kind == EntityKind::service;
  for (ProcessSeen& process : list_processes(proc)) {
    if (is_dead(process) || (!service && process.name != plan.target.name)) continue;
    const std::string unit = unit_of_process(proc, process.pid);
    if (service && unit != plan.target.name) continue;
    if (std::string why = why_spared(process, unit, spare); !why.empty()) {
      ret_none = std::move(why);
      continue;
    }
    found.push_back(std::move(process));
  }
  std::ranges::stable_sort(found, std::greater{}, &ProcessSeen::cpu_ticks);
  return found;
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  std::string none;
  const auto found = members(plan, context.proc, spare_text(context.policy), none);
  if (found.empty()) {
    ret_text = none.empty() ? "no process of " + to_string(plan.target) + " runs" : none;
    if (plan.target.kind == EntityKind::host) return TargetState::recovered;
    return none.empty() ? TargetState::gone : TargetState::unknown;
  }
  const auto wanted = parse_u64(plan.get("nice"));
  const auto eager = std::ranges::count_if(
      found, [&](const ProcessSeen& one) { return wanted && one.nice < static_cast<int>(*wanted); });
  ret_text = strf("%zu processes, %td of them with a nice value below %s", found.size(), eager,
                  std::string(plan.get("nice")).c_str());
  return eager == 0 ? TargetState::recovered : TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  Order whole = order;
  std::erase_if(whole.plan.parameters, [](const Attribute& one) { return one.key == "spare"; });
  whole.plan.parameters.push_back({"spare", spare_text(context.policy)});
  return run_in_unit(whole, context, {.capabilities = {"CAP_SYS_NICE"}});
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, {.capabilities = {"CAP_SYS_NICE"}});
}

int wanted_io(const Plan& plan, int present) {
  if (plan.get("io") == "low") return 2 << 13 | 7;
  return plan.get("io") == "idle" ? 3 << 13 : present;
}

int inside(const Plan& plan, const InsideContext& context) {
  std::string none;
  const auto found = members(plan, context.proc, std::string(plan.get("spare")), none);
  const int nice = static_cast<int>(parse_u64(plan.get("nice")).value_or(19));
  std::size_t treated = 0;
  std::string failed;
  for (const ProcessSeen& process : found) {
    const auto was = priority_of(process.pid);
    if (treated == kMostTreated || !was || was->nice >= nice) continue;
    const Priority wanted{nice, wanted_io(plan, was->io)};
    // Told before it is done: what follows can be taken back even if we are ended here.
    print_detail(strf("was_%zu", treated),
                 strf("%d %llu %d %d %d", process.pid, static_cast<unsigned long long>(process.started), was->nice,
                      was->io, wanted.io));
    (void)std::fflush(stdout);
    ++treated;
    if (change(context.proc, process.pid, *was, wanted) < 0) failed = words_of(process);
  }
  print_detail("now_nice", strf("%d", nice));
  print_detail("processes", strf("%zu", treated));
  if (!failed.empty()) print_detail("text", failed + " could not be set");
  if (failed.empty())
    print_detail("text", strf("%zu processes have a nice value of %d now", treated, nice) +
                             (found.size() > treated
                                  ? strf("; %zu others did not need it, or were too many", found.size() - treated)
                                  : std::string()));
  if (treated == 0) return kEffectUnnecessary;
  return failed.empty() ? kEffectDone : kEffectFailed;
}

int undo_inside(const Plan&, std::span<const Attribute> was, const InsideContext& context) {
  const auto now_nice = std::ranges::find(was, kNow, &Attribute::key);
  const auto nice = now_nice == was.end() ? Result<std::int64_t>(make_error(ErrorCode::not_found, std::string(kNow)))
                                          : parse_i64(now_nice->value);
  int restored = 0, others = 0;
  bool failed = false;
  for (const Attribute& one : was) {
    if (!nice || !one.key.starts_with("was_")) continue;
    TextCursor words(one.value);
    const auto pid = parse_u64(words.word()), started = parse_u64(words.word());
    const auto before = parse_i64(words.word()), io = parse_i64(words.word()), now_io = parse_i64(words.word());
    if (!pid || !started || !before || !io || !now_io) continue;
    const int id = static_cast<int>(*pid);
    const auto process = read_process(context.proc, id);
    const int changed = process && process->started == *started
                            ? change(context.proc, id, {static_cast<int>(*nice), static_cast<int>(*now_io)},
                                     {static_cast<int>(*before), static_cast<int>(*io)})
                            : 0;
    failed = failed || changed < 0;
    ++(changed > 0 ? restored : others);
  }
  print_detail("processes", strf("%d", restored));
  print_detail("text", strf("%d processes have again what they had, %d are gone or were set by somebody since",
                            restored, others));
  if (failed) return kEffectFailed;
  return restored > 0 ? kEffectDone : kEffectUnnecessary;
}

}  // namespace

const EffectInfo kProcessReniceEffect{.action = "process.renice",
                                      .inspect = inspect,
                                      .execute = execute,
                                      .inside = inside,
                                      .undo = undo,
                                      .undo_inside = undo_inside};

}  // namespace hostmedic
