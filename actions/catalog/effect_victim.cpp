// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_victim.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

// Beside the units that are never touched: who holds the host, its bus, its logins or its containers together.
constexpr std::string_view kSparedNames[] = {"systemd*",   "(sd-pam)", "init",        "dbus-*",  "sshd*",  "login",
                                             "hostmedic*", "polkitd",  "containerd*", "dockerd", "conmon", "runc*"};

std::optional<std::uint64_t> value_of(const std::string& proc, const ProcessSeen& process, Measure by) {
  switch (by) {
    case Measure::memory: return memory_of(proc, process.pid);
    case Measure::descriptors: return descriptors_of(proc, process.pid);
    case Measure::threads: return process.threads;
    case Measure::cpu: return process.cpu_ticks;
  }
  return std::nullopt;  // uncovered: every enumerator has returned above
}

// Makes the values percentages of one CPU, from what is used while we wait.
void measure_cpu(const std::string& proc, std::vector<Victim>& victims) {
  constexpr auto kPause = std::chrono::milliseconds(500);
  const MonoTime begin = mono_now();
  std::this_thread::sleep_for(kPause);
  const double ticks = to_seconds(mono_now() - begin) * static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (Victim& victim : victims) {
    const auto now = read_process(proc, victim.process.pid);
    const bool same = now && now->started == victim.process.started && now->cpu_ticks >= victim.value;
    victim.value =
        same ? static_cast<std::uint64_t>(100 * static_cast<double>(now->cpu_ticks - victim.value) / ticks) : 0;
  }
}

bool within(const VictimQuery& query, const ProcessSeen& process, std::string_view unit) {
  return (query.pid == 0 || process.pid == query.pid) && (query.name.empty() || process.name == query.name) &&
         (query.unit.empty() || unit == query.unit);
}

std::string bounds_of(const VictimQuery& query) {
  std::string text = query.name.empty() ? "process" : query.name;
  if (!query.unit.empty()) text += " of " + query.unit;
  return text;
}

}  // namespace

std::optional<Measure> measure_from(std::string_view text) {
  if (text == "largest_memory") return Measure::memory;
  if (text == "most_fds") return Measure::descriptors;
  if (text == "most_threads") return Measure::threads;
  if (text == "most_cpu") return Measure::cpu;
  return std::nullopt;
}

std::string in_words(Measure measure, std::uint64_t value) {
  const auto number = static_cast<unsigned long long>(value);
  switch (measure) {
    case Measure::memory: return format_bytes(Bytes{value}) + " of memory";
    case Measure::descriptors: return strf("%llu descriptors", number);
    case Measure::threads: return strf("%llu threads", number);
    case Measure::cpu: return strf("%llu%% of a CPU", number);
  }
  return "?";  // uncovered: every enumerator has returned above
}

std::string spare_text(const guard::Policy& policy) {
  std::string text;
  for (std::string glob : policy.protected_entities) {
    std::ranges::replace(glob, ' ', '?');  // the separator; '?' spares that and more
    text += (text.empty() ? "" : " ") + glob;
  }
  return text;
}

std::string why_spared(const ProcessSeen& process, std::string_view unit, std::string_view spare) {
  const std::string own = "process:" + process.name, service = "service:" + std::string(unit);
  if (process.pid == 1 || process.pid == ::getpid()) return "it keeps the host or us alive";
  for (const std::string_view name : kSparedNames)
    if (glob_match(name, process.name)) return own + " is never touched ('" + std::string(name) + "')";
  for (const std::string_view glob : guard::never_touch())
    if (glob_match(glob, service)) return service + " is never touched ('" + std::string(glob) + "')";
  // "docker-ID.scope", "libpod-ID.scope"
  const std::size_t dash = unit.rfind('-'), dot = unit.rfind('.');
  const std::string container = dash != std::string_view::npos && dot != std::string_view::npos && dash < dot
                                    ? "container:" + std::string(unit.substr(dash + 1, dot - dash - 1))
                                    : std::string();
  for (const std::string_view glob : split(spare, ' ')) {
    if (glob.empty()) continue;
    for (const std::string& entity : {own, service, container})
      if (!entity.empty() && glob_match(glob, entity)) return entity + " is protected by '" + std::string(glob) + "'";
  }
  return {};
}

Result<Victim> find_victim(const std::string& proc, const VictimQuery& query) {
  std::vector<Victim> victims;
  std::string spared;
  bool unknown = false;
  double total = 0;
  for (ProcessSeen& process : list_processes(proc)) {
    if (is_dead(process) || (!query.name.empty() && process.name != query.name)) continue;
    Victim victim{.process = std::move(process), .unit = {}};
    victim.unit = unit_of_process(proc, victim.process.pid);
    if (!within(query, victim.process, victim.unit)) continue;
    const auto value = value_of(proc, victim.process, query.by);
    unknown = unknown || !value;
    if (!value) continue;
    victim.value = *value;
    total += static_cast<double>(victim.value);
    if (std::string why = why_spared(victim.process, victim.unit, query.spare); !why.empty()) {
      spared = words_of(victim.process) + ": " + why;
      continue;
    }
    victims.push_back(std::move(victim));
  }
  if (victims.empty() && unknown)
    return make_error(ErrorCode::unsupported, "what " + bounds_of(query) + " takes cannot be read from here");
  if (victims.empty() && !spared.empty()) return make_error(ErrorCode::denied, spared);
  if (victims.empty()) return make_error(ErrorCode::not_found, "there is no " + bounds_of(query));
  if (query.by == Measure::cpu) {
    measure_cpu(proc, victims);
    total = 0;
    for (const Victim& victim : victims) total += static_cast<double>(victim.value);
  }
  std::ranges::stable_sort(victims, {}, &Victim::value);
  const auto enough = std::ranges::find_if(victims, [&](const Victim& one) { return one.value >= query.need; });
  Victim chosen = query.need > 0 && enough != victims.end() ? *enough : victims.back();
  chosen.share = total > 0 ? static_cast<double>(chosen.value) / total : 0;
  chosen.others = victims.size() - 1;
  const std::string takes = words_of(chosen.process) + " takes " + in_words(query.by, chosen.value);
  if (chosen.value < query.least)
    return make_error(ErrorCode::limit, takes + ", less than " + in_words(query.by, query.least));
  if (chosen.share < query.least_share)
    return make_error(ErrorCode::limit, takes + strf(", %.0f%% of all, less than %.0f%%: no single process explains it",
                                                     chosen.share * 100, query.least_share * 100));
  return chosen;
}

}  // namespace hostmedic
