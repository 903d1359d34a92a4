// SPDX-License-Identifier: Apache-2.0
#include "probes/service/timer_table.h"

#include <algorithm>
#include <set>

#include "detect/model/names.h"
#include "probes/parse/unit_name.h"
#include "probes/service/job_event.h"

namespace hostmedic::service {
namespace {

constexpr std::string_view kSuffix = ".timer", kFailed = "failed";

template <class T>
void take(std::optional<T>& known, const std::optional<T>& newer) {
  if (newer) known = newer;
}

// By how much a time has passed, beyond what is allowed; 0: it has not, or there is none.
std::uint64_t passed_us(const std::optional<std::uint64_t>& next, std::uint64_t now, std::uint64_t allowed) {
  const std::uint64_t due = next.value_or(0);
  if (due == 0 || due > now || now - due <= allowed) return 0;
  return now - due;
}

std::uint64_t overdue_us(const TimerFacts& facts, TimerClock clock) {
  const std::uint64_t allowed = facts.accuracy_us.value_or(0) + TimerTable::kGraceUs;
  return std::max(passed_us(facts.next_realtime_us, clock.realtime_us, allowed),
                  passed_us(facts.next_monotonic_us, clock.monotonic_us, allowed));
}

// Names the run that was missed, to tell it once.
std::uint64_t due_us(const TimerFacts& facts) {
  return facts.next_realtime_us.value_or(0) ^ facts.next_monotonic_us.value_or(0);
}

}  // namespace

void TimerFacts::merge(const TimerFacts& newer) {
  take(triggers, newer.triggers);
  take(next_realtime_us, newer.next_realtime_us);
  take(next_monotonic_us, newer.next_monotonic_us);
  take(last_trigger_us, newer.last_trigger_us);
  take(accuracy_us, newer.accuracy_us);
}

TimerTable::Timers::iterator TimerTable::add(std::string_view name) {
  if (timers_.size() < most_timers_) return timers_.emplace(std::string(name), Timer{}).first;
  ++refused_;
  return timers_.end();
}

void TimerTable::want(const std::string& name, Timer& timer) {
  if (std::exchange(timer.asked, true)) return;
  wanted_.push_back(name);
}

void TimerTable::change(const std::string& name, Timer& timer, std::string_view active_state, MonoTime now,
                        Sink& sink) {
  if (active_state.empty() || timer.active_state == active_state) return;
  timer.active_state = active_state;
  if (active_state == kFailed)
    tell_job({name, "timer", kFailed, timer.facts.triggers.value_or(""), 0}, false, now, sink);
  if (active_state == "active") want(name, timer);
}

void TimerTable::on_list(std::span<const ListedUnit> units, bool initial, MonoTime now, Sink& sink) {
  std::set<std::string_view> seen;
  for (const ListedUnit& row : units) {
    if (!is_unit_name(row.name, kSuffix)) continue;
    auto at = timers_.find(row.name);
    if (at == timers_.end() && row.active_state != "inactive") at = add(row.name);
    if (at == timers_.end()) continue;
    seen.insert(row.name);
    at->second.sub_state = row.sub_state;
    if (initial && row.active_state == kFailed) at->second.active_state.clear();
    change(at->first, at->second, row.active_state, now, sink);
    if (row.active_state == "active") want(at->first, at->second);
  }
  std::erase_if(timers_, [&](const auto& timer) { return !seen.contains(timer.first); });
}

void TimerTable::on_unit(std::string_view name, std::string_view active_state, std::string_view sub_state, MonoTime now,
                         Sink& sink) {
  if (!is_unit_name(name, kSuffix)) return;
  auto at = timers_.find(name);
  if (at == timers_.end()) {
    if (active_state.empty() || active_state == "inactive") return;
    at = add(name);
    if (at == timers_.end()) return;
  }
  if (!sub_state.empty()) at->second.sub_state = sub_state;
  change(at->first, at->second, active_state, now, sink);
}

void TimerTable::on_timer(std::string_view name, const TimerFacts& changed) {
  if (const auto at = timers_.find(name); at != timers_.end()) at->second.facts.merge(changed);
}

void TimerTable::on_facts(std::string_view name, const std::optional<TimerFacts>& facts, TimerClock clock, MonoTime now,
                          Sink& sink) {
  const auto at = timers_.find(name);
  if (at == timers_.end()) return;
  Timer& timer = at->second;
  timer.asked = false;
  if (!facts) return;
  timer.facts.merge(*facts);
  const std::uint64_t overdue = overdue_us(timer.facts, clock);
  if (overdue == 0 || timer.active_state != "active" || timer.sub_state != "waiting") return;
  if (std::exchange(timer.told_for_us, due_us(timer.facts)) == due_us(timer.facts)) return;
  tell_job({at->first, "timer", "overdue", timer.facts.triggers.value_or(""), overdue}, false, now, sink);
}

void TimerTable::on_removed(std::string_view name) {
  if (const auto at = timers_.find(name); at != timers_.end()) timers_.erase(at);
}

void TimerTable::check(TimerClock clock) {
  for (auto& [name, timer] : timers_) {
    // One that runs has no next time until what it started has ended.
    if (timer.active_state != "active" || timer.sub_state != "waiting") continue;
    if (overdue_us(timer.facts, clock) > 0 && timer.told_for_us != due_us(timer.facts)) want(name, timer);
  }
}

std::optional<std::string> TimerTable::next_question() {
  while (!wanted_.empty()) {
    std::string name = std::move(wanted_.front());
    wanted_.pop_front();
    if (timers_.contains(name)) return name;
  }
  return std::nullopt;
}

void TimerTable::lose_contact() {
  wanted_.clear();
  for (auto& [name, timer] : timers_) {
    timer.facts = {};
    timer.asked = false;
  }
}

}  // namespace hostmedic::service
