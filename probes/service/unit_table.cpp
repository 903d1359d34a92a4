// SPDX-License-Identifier: Apache-2.0
#include "probes/service/unit_table.h"

#include <algorithm>
#include <set>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "detect/model/names_service.h"
#include "probes/parse/unit_name.h"

namespace hostmedic::service {
namespace {

constexpr std::string_view kInactive = "inactive";
constexpr std::uint64_t kLimitsEvery = 30;  // samples: limits hardly ever change

template <class T>
void take(std::optional<T>& known, const std::optional<T>& newer) {
  if (newer) known = newer;
}
void add_text(std::vector<Attribute>& attributes, std::string_view key, std::string_view value) {
  attributes.push_back({std::string(key), printable(value, kMostAttributeValue)});
}
template <class T>
void add_known(std::vector<Attribute>& attributes, std::string_view key, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (std::is_integral_v<T>) {
    attributes.push_back({std::string(key), std::to_string(*value)});
  } else {
    add_text(attributes, key, *value);
  }
}

}  // namespace

void ServiceFacts::merge(const ServiceFacts& newer) {
  take(result, newer.result);
  take(restart_policy, newer.restart_policy);
  take(type, newer.type);
  take(restarts, newer.restarts);
  take(main_pid, newer.main_pid);
  take(exec_status, newer.exec_status);
  take(most_memory, newer.most_memory);
  take(most_tasks, newer.most_tasks);
  take(most_descriptors, newer.most_descriptors);
}

UnitTable::Units::iterator UnitTable::add(std::string_view name, Sink& sink) {
  if (units_.size() >= most_units_) {
    // A unit at rest has nothing to tell; it makes room.
    const auto resting = std::ranges::find_if(units_, [](const auto& u) { return u.second.active_state == kInactive; });
    if (resting == units_.end()) {
      ++refused_;
      return units_.end();
    }
    sink.retire(sink.entity(EntityKind::service, resting->first));
    units_.erase(resting);
  }
  return units_.emplace(std::string(name), Unit{}).first;
}

void UnitTable::want(const std::string& name, Unit& unit) {
  if (unit.question != Question::none) return;
  unit.question = Question::wanted;
  if (unit.active_state == "failed") {
    wanted_.push_front(name);
  } else {
    wanted_.push_back(name);
  }
}

void UnitTable::emit(const std::string& name, const Unit& unit, std::optional<std::string_view> previous, MonoTime now,
                     Sink& sink) {
  Event event{EventKind::unit_state, sink.entity(EntityKind::service, name), now, {}};
  auto& attributes = event.attributes;
  add_text(attributes, attr::kUnitActiveState, unit.active_state);
  if (previous) {
    add_text(attributes, attr::kUnitPreviousState, *previous);
  } else {
    add_text(attributes, attr::kUnitInitial, "1");
  }
  if (!unit.sub_state.empty()) add_text(attributes, attr::kUnitSubState, unit.sub_state);
  add_known(attributes, attr::kUnitResult, unit.facts.result);
  add_known(attributes, attr::kUnitRestarts, unit.facts.restarts);
  add_known(attributes, attr::kUnitRestartPolicy, unit.facts.restart_policy);
  add_known(attributes, attr::kUnitMainPid, unit.facts.main_pid);
  add_known(attributes, attr::kUnitExitCode, unit.facts.exec_status);
  sink.event(std::move(event));
}

void UnitTable::change(Units::iterator at, std::string_view active_state, MonoTime now, Sink& sink) {
  auto& [name, unit] = *at;
  if (is_running_job(unit) && active_state != "failed") end_run(unit, now);
  const std::string previous = std::exchange(unit.active_state, std::string(active_state));
  unit.since = now;
  if (!is_up(previous)) unit.up_since = now;
  // A change is told at once with what is known. If something is missing it is told again, complete, on the answer.
  emit(name, unit, previous, now, sink);
  unit.owed = Owed::none;
  if (unit.facts.complete()) return;
  unit.owed = Owed::refresh;
  want(name, unit);
}

void UnitTable::on_list(std::span<const ListedUnit> listed, bool initial, MonoTime now, Sink& sink) {
  std::set<std::string_view> seen;
  for (const ListedUnit& row : listed) {
    if (!is_followed_service(row.name) || row.active_state.empty()) continue;
    seen.insert(row.name);
    auto at = units_.find(row.name);
    if (at == units_.end()) {
      if (row.active_state == kInactive) continue;
      at = add(row.name, sink);
      if (at == units_.end()) continue;
      at->second.active_state = initial ? row.active_state : std::string(kInactive);
      at->second.since = at->second.up_since = now;
    }
    Unit& unit = at->second;
    unit.sub_state = row.sub_state;
    if (unit.active_state != row.active_state) {
      change(at, row.active_state, now, sink);
    } else if (initial && unit.active_state != kInactive) {
      unit.owed = Owed::initial;
    }
    if (unit.active_state != kInactive) want(at->first, unit);
  }
  for (auto at = units_.begin(); at != units_.end();) {
    const auto next = std::next(at);
    if (!seen.contains(at->first)) remove(at, now, sink);
    at = next;
  }
}

void UnitTable::on_unit(std::string_view name, std::string_view active_state, std::string_view sub_state, MonoTime now,
                        Sink& sink) {
  if (!is_followed_service(name)) return;
  auto at = units_.find(name);
  if (at == units_.end()) {
    if (active_state.empty() || active_state == kInactive) return;
    at = add(name, sink);
    if (at == units_.end()) return;
  }
  Unit& unit = at->second;
  // Facts can arrive before the first state; until then the unit was not running.
  if (unit.active_state.empty()) unit.active_state = kInactive;
  if (!sub_state.empty()) unit.sub_state = sub_state;
  if (!active_state.empty() && active_state != unit.active_state) change(at, active_state, now, sink);
}

void UnitTable::on_service(std::string_view name, const ServiceFacts& changed, Sink& sink) {
  if (!is_followed_service(name)) return;
  auto at = units_.find(name);
  if (at == units_.end()) at = add(name, sink);
  if (at == units_.end()) return;
  if (at->second.active_state.empty()) at->second.active_state = kInactive;
  at->second.facts.merge(changed);
}

void UnitTable::on_facts(std::string_view name, const std::optional<ServiceFacts>& facts, MonoTime now, Sink& sink) {
  const auto at = units_.find(name);
  if (at == units_.end()) return;
  Unit& unit = at->second;
  unit.question = Question::none;
  const auto policy_before = unit.facts.restart_policy;
  if (facts) unit.facts.merge(*facts);
  const Owed owed = std::exchange(unit.owed, Owed::none);
  const bool news = owed == Owed::refresh || (policy_before && policy_before != unit.facts.restart_policy);
  if (owed == Owed::initial) {
    emit(at->first, unit, std::nullopt, now, sink);
  } else if (news && facts) {
    emit(at->first, unit, unit.active_state, now, sink);
  }
}

void UnitTable::remove(Units::iterator at, MonoTime now, Sink& sink) {
  Unit& unit = at->second;
  if (unit.active_state != kInactive) {
    unit.sub_state = "dead";
    const std::string previous = std::exchange(unit.active_state, std::string(kInactive));
    emit(at->first, unit, previous, now, sink);
  }
  sink.retire(sink.entity(EntityKind::service, at->first));
  units_.erase(at);
}

void UnitTable::on_removed(std::string_view name, MonoTime now, Sink& sink) {
  const auto at = units_.find(name);
  if (at != units_.end()) remove(at, now, sink);
}

std::optional<std::string> UnitTable::next_question() {
  while (!wanted_.empty()) {
    std::string name = std::move(wanted_.front());
    wanted_.pop_front();
    const auto at = units_.find(name);
    if (at == units_.end() || at->second.question != Question::wanted) continue;
    at->second.question = Question::asked;
    return name;
  }
  return std::nullopt;
}

void UnitTable::lose_contact() {
  wanted_.clear();
  for (auto& [name, unit] : units_) {
    unit.facts = {};
    unit.question = Question::none;
    unit.owed = Owed::none;
  }
}

bool UnitTable::is_up(std::string_view active_state) { return active_state == "active" || active_state == "reloading"; }

// What is on its way from one state to the next. The run of a oneshot is its work, and between two tries of a restart
// there is nothing under way.
std::optional<double> UnitTable::transition_seconds(const Unit& unit, MonoTime now) {
  if (!unit.facts.type) return std::nullopt;
  const bool moving =
      unit.active_state == "activating" || unit.active_state == "deactivating" || unit.active_state == "reloading";
  if (!moving || unit.facts.type == "oneshot" || unit.sub_state.starts_with("auto-restart")) return 0;
  return to_seconds(now - unit.since);
}

// The run of a oneshot is its start.
bool UnitTable::is_running_job(const Unit& unit) {
  return unit.active_state == "activating" && unit.facts.type == "oneshot" &&
         !unit.sub_state.starts_with("auto-restart");
}

void UnitTable::end_run(Unit& unit, MonoTime now) {
  unit.runs[static_cast<std::size_t>(unit.ran) % unit.runs.size()] = static_cast<float>(to_seconds(now - unit.since));
  ++unit.ran;
}

void UnitTable::sample_job(const std::string& name, Unit& unit, MonoTime now, Sink& sink) {
  constexpr int kEnough = 3;
  const double running = is_running_job(unit) ? to_seconds(now - unit.since) : 0;
  if (!unit.run && running >= 1) unit.run = sink.series(sink.entity(EntityKind::service, name), metric::kJobTime);
  if (!unit.run) return;
  sink.sample(*unit.run, running);
  if (unit.ran < kEnough) return;
  if (!unit.usual) unit.usual = sink.series(sink.entity(EntityKind::service, name), metric::kJobUsual);
  sink.sample(*unit.usual, *std::ranges::max_element(unit.runs));
}

// What the manager allows, so that rules can say how far it is to there.
void UnitTable::sample_limits(const std::string& name, Unit& unit, Sink& sink) {
  const auto tell = [&](std::optional<SeriesId>& series, std::optional<std::uint64_t> limit, std::string_view which) {
    if (!limit || *limit == UINT64_MAX) return;
    if (!series) series = sink.series(sink.entity(EntityKind::service, name), metric::kLimitMaximum, which);
    sink.sample(*series, static_cast<double>(*limit));
  };
  tell(unit.most_memory, unit.facts.most_memory, "resource=memory");
  tell(unit.most_tasks, unit.facts.most_tasks, "resource=threads");
  tell(unit.most_descriptors, unit.facts.most_descriptors, "resource=descriptors");
}

void UnitTable::sample(MonoTime now, Sink& sink) {
  const bool limits = samples_++ % kLimitsEvery == 0;
  for (auto& [name, unit] : units_) {
    if (unit.facts.main_pid.value_or(0) != 0 && (limits || !unit.most_descriptors)) sample_limits(name, unit, sink);
    if (!unit.restarts) {
      unit.restarts = sink.series(sink.entity(EntityKind::service, name), metric::kServiceRestarts);
      unit.uptime = sink.series(sink.entity(EntityKind::service, name), metric::kServiceUptime);
    }
    std::optional<double> restarts;
    if (unit.facts.restarts) restarts = *unit.facts.restarts;
    sink.sample(*unit.restarts, restarts);
    sink.sample(*unit.uptime, is_up(unit.active_state) ? to_seconds(now - unit.up_since) : 0);

    sample_job(name, unit, now, sink);
    const auto transition = transition_seconds(unit, now);
    // Most units never take any time that could be seen.
    if (!unit.transition && transition.value_or(0) >= 1) {
      unit.transition = sink.series(sink.entity(EntityKind::service, name), metric::kServiceTransition);
    }
    if (unit.transition) sink.sample(*unit.transition, transition);
  }
}

}  // namespace hostmedic::service
