// SPDX-License-Identifier: Apache-2.0
// Which series the names of a condition stand for, and how they are joined to rows; condition_eval.cpp computes.
#include "detect/rules/bound_condition.h"

#include <algorithm>
#include <set>

#include "agent/base/text.h"

namespace hostmedic::detect {

namespace {

bool concerns(const SeriesRef& ref, const Entity& subject, const SeriesDef& series, const Entity& of) {
  if (!ref.matches(series.name, series.attributes)) return false;
  return ref.entity.empty() ? of == subject : glob_match(ref.entity, to_string(of));
}

}  // namespace

BoundCondition::BoundCondition(const Condition& condition, Entity subject, std::string stage)
    : condition_(condition),
      subject_(std::move(subject)),
      subject_text_(to_string(subject_)),
      stage_(std::move(stage)),
      scopes_(condition.scopes.size()) {}

bool BoundCondition::wants(const Condition& condition, const Entity& subject, const SeriesDef& series,
                           const Entity& of) {
  return std::ranges::any_of(condition.refs, [&](const SeriesRef& ref) { return concerns(ref, subject, series, of); });
}

bool BoundCondition::add(const SeriesDef& series, const Entity& of) {
  bool used = false;
  for (std::size_t i = 0; i < condition_.refs.size(); ++i) {
    if (!concerns(condition_.refs[i], subject_, series, of)) continue;
    if (slots_.size() >= kMostSeriesOfOne) {
      ++refused_;
      continue;
    }
    Slot& slot = slots_.emplace_back();
    slot.series = series.id;
    slot.ref = static_cast<int>(i);
    slot.entity = to_string(of);
    slot.attributes = series.attributes;
    slot.counter = series.instrument == Instrument::counter;
    used = true;
  }
  if (used) linked_ = false;
  return used;
}

void BoundCondition::remove(SeriesId series) {
  const auto gone = std::erase_if(slots_, [&](const Slot& slot) { return slot.series == series; });
  if (gone > 0) linked_ = false;
}

void BoundCondition::read(const HostView& host) {
  slots_.clear();
  index_.clear();
  linked_ = false;
  host.each_series([&](const SeriesDef& series, const Entity& of, std::optional<double> value) {
    if (add(series, of)) feed(series.id, {host.mono(), value});
  });
}

void BoundCondition::feed(SeriesId series, const Reading& reading) {
  if (!linked_) link();
  auto known = std::ranges::lower_bound(index_, series, {}, &std::pair<SeriesId, Slot*>::first);
  for (; known != index_.end() && known->first == series; ++known) {
    Slot& slot = *known->second;
    const std::optional<Reading> seen = slot.counter ? slot.rate.step(reading) : reading;
    if (!seen) continue;
    if (slot.at) slot.interval = seen->at - *slot.at;
    slot.at = seen->at;
    slot.value = seen->value;
  }
}

bool BoundCondition::stale(const Slot& slot) const {
  constexpr Duration kFresh = std::chrono::minutes(5);
  return slot.at && now_ - *slot.at > std::max<Duration>(kFresh, 3 * slot.interval);
}

bool BoundCondition::stale(const Row& row) const {
  return std::ranges::any_of(row.slots, [&](const Slot* slot) { return slot != nullptr && stale(*slot); });
}

void BoundCondition::link() {
  index_.clear();
  for (Slot& slot : slots_) index_.emplace_back(slot.series, &slot);
  std::ranges::sort(index_, {}, &std::pair<SeriesId, Slot*>::first);
  for (std::size_t i = 0; i < scopes_.size(); ++i) link_scope(i);
  linked_ = true;
}

// One row for each entity and attributes that all names with several series have in common. A name with one series
// goes with each row, one with a single series of the row's entity with the rows of that entity.
void BoundCondition::link_scope(std::size_t number) {
  const std::vector<int>& refs = condition_.scopes[number].refs;
  std::vector<std::vector<const Slot*>> slots(refs.size());
  for (const Slot& slot : slots_) {
    const SeriesRef& ref = condition_.refs[static_cast<std::size_t>(slot.ref)];
    if (static_cast<std::size_t>(ref.scope) == number) slots[static_cast<std::size_t>(ref.slot)].push_back(&slot);
  }
  std::set<std::pair<std::string, std::string>> keys;
  for (const auto& of_ref : slots)
    for (const Slot* slot : of_ref)
      if (of_ref.size() > 1) keys.emplace(slot->entity, slot->attributes);
  const bool several = !keys.empty();
  if (!several) keys.emplace("", "");

  std::vector<Row> old = std::move(scopes_[number].rows);
  scopes_[number].rows.clear();
  for (const auto& [entity, attributes] : keys) {
    Row row;
    const auto known = std::ranges::find_if(
        old, [&](const Row& each) { return each.entity == entity && each.attributes == attributes; });
    if (known != old.end()) row = std::move(*known);
    row.entity = entity, row.attributes = attributes;
    row.slots.assign(refs.size(), nullptr);
    bool whole = true;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Slot* of_entity = nullptr;
      std::size_t in_entity = 0;
      for (const Slot* slot : slots[i]) {
        if (slots[i].size() == 1 || (slot->entity == entity && slot->attributes == attributes)) row.slots[i] = slot;
        if (slot->entity == entity) of_entity = slot, ++in_entity;
      }
      if (row.slots[i] == nullptr && in_entity == 1) row.slots[i] = of_entity;
      whole = whole && (row.slots[i] != nullptr || slots[i].empty());
    }
    if (several && !whole) continue;
    prepare(number, row);
    scopes_[number].rows.push_back(std::move(row));
  }
}

// Gives a new row its memory.
void BoundCondition::prepare(std::size_t number, Row& ret_row) const {
  const ConditionScope& scope = condition_.scopes[number];
  if (ret_row.windows.empty() && scope.windows > 0) {
    std::vector<Duration> widths(static_cast<std::size_t>(scope.windows), std::chrono::seconds(1));
    for (const ConditionNode& node : condition_.nodes)
      if (node.op == Op::window && static_cast<std::size_t>(node.scope) == number)
        widths[static_cast<std::size_t>(node.index)] = node.time;
    for (const Duration width : widths) ret_row.windows.emplace_back(width);
  }
  ret_row.latches.resize(static_cast<std::size_t>(scope.latches));
  ret_row.holds.resize(static_cast<std::size_t>(scope.holds));
}

std::size_t BoundCondition::bytes_used() const {
  std::size_t bytes = sizeof *this + slots_.capacity() * sizeof(Slot) + index_.capacity() * sizeof index_[0];
  for (const Rows& scope : scopes_)
    for (const Row& row : scope.rows)
      bytes += sizeof row + row.slots.capacity() * sizeof(Slot*) + row.windows.capacity() * sizeof(Window) +
               row.latches.capacity() + row.holds.capacity() * sizeof(HoldState);
  return bytes;
}

}  // namespace hostmedic::detect
