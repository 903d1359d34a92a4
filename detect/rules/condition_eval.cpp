// SPDX-License-Identifier: Apache-2.0
// What a bound condition is worth now. Both sides of `and` and `or` are always computed, so that what they remember
// stays true.
#include <algorithm>
#include <cmath>

#include "agent/base/text.h"
#include "detect/rules/bound_condition.h"

namespace hostmedic::detect {

namespace {

// Three in sixty seconds is not more than three.
constexpr double kRounding = 1e-9;

Truth truth_of(bool value) { return value ? Truth::yes : Truth::no; }
Truth inverse(Truth value) {
  if (value == Truth::unknown) return value;
  return truth_of(value == Truth::no);
}

bool holds(Relation relation, double a, double b) {
  const double margin = kRounding * std::max(std::abs(a), std::abs(b));
  switch (relation) {
    case Relation::above: return a > b + margin;
    case Relation::at_least: return a >= b - margin;
    case Relation::below: return a < b - margin;
    case Relation::at_most: return a <= b + margin;
    case Relation::equal: return std::abs(a - b) <= margin;
    case Relation::different: return std::abs(a - b) > margin;
  }
  return false;
}

bool grows(Relation relation) { return relation == Relation::above || relation == Relation::at_least; }

}  // namespace

Truth BoundCondition::step(MonoTime now, WallTime wall) {
  if (!linked_) link();
  now_ = now;
  wall_ = wall;
  return truth(condition_.root, scopes_[0].rows[0], true);
}

Truth BoundCondition::truth(int number, Row& row, bool changes) {
  const ConditionNode& node = at(number);
  switch (node.op) {
    case Op::both: {
      const Truth first = truth(node.first, row, changes), second = truth(node.second, row, changes);
      return std::min(first, second);
    }
    case Op::either: {
      const Truth first = truth(node.first, row, changes), second = truth(node.second, row, changes);
      return std::max(first, second);
    }
    case Op::inverse: return inverse(truth(node.first, row, changes));
    case Op::compare: return node.rows < 0 ? compare(node, row, changes) : quantified(node, changes);
    case Op::any:
    case Op::all:
    case Op::known: return quantified(node, changes);
    case Op::hold: return hold(node, row, changes);
    case Op::between:
    case Op::days: return truth_of(in_time(node));
    case Op::entity_is: return truth_of(glob_match(node.pattern, subject_text_));
    case Op::stage_is: return truth_of(glob_match(node.pattern, stage_));
    case Op::number:
    case Op::series:
    case Op::now:
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
    case Op::negate:
    case Op::choose:
    case Op::window:
    case Op::gather:
    case Op::count: break;
  }
  return Truth::unknown;
}

// any, all, and a comparison, which means any; known is true when one is. Nothing to look at is not known.
Truth BoundCondition::quantified(const ConditionNode& node, bool changes) {
  Rows& scope = scopes_[static_cast<std::size_t>(node.rows)];
  std::optional<Truth> result;
  for (std::size_t i = 0; i < scope.rows.size(); ++i) {
    Row& row = scope.rows[i];
    if (stale(row)) continue;
    Truth each = Truth::unknown;
    if (node.op == Op::compare) {
      each = compare(node, row, changes);
    } else if (node.op == Op::known) {
      each = truth_of(number(node.first, row, changes).known);
    } else {
      each = truth(node.first, row, changes);
    }
    const bool decides = each == Truth::yes && result != Truth::yes;
    if (decides && node.op != Op::all && changes) scope.witness = i;
    if (!result) {
      result = each;
    } else {
      result = node.op == Op::all ? std::min(*result, each) : std::max(*result, each);
    }
  }
  return result.value_or(node.op == Op::known ? Truth::no : Truth::unknown);
}

Truth BoundCondition::compare(const ConditionNode& node, Row& row, bool changes) {
  const Quantity left = number(node.first, row, changes), right = number(node.second, row, changes);
  const Quantity clear = node.clear < 0 ? Quantity{} : number(node.clear, row, changes);
  if (!left.known || !right.known) return Truth::unknown;
  const bool passes = holds(node.relation, left.value, right.value);
  char* const latch = node.clear < 0 ? nullptr : &row.latches[static_cast<std::size_t>(node.index)];
  // What is at least this may be more: enough to say that it is above, not that it is below.
  if (left.at_least || right.at_least) {
    const bool sure = passes && (left.at_least ? grows(node.relation) && !right.at_least : !grows(node.relation));
    if (!sure) return Truth::unknown;
  }
  if (latch == nullptr) return truth_of(passes);
  if (!clear.known || clear.at_least) return passes ? Truth::yes : Truth::unknown;
  const double sign = grows(node.relation) ? 1 : -1;
  const double limit = node.margin ? right.value - sign * clear.value : clear.value;
  const Relation back = grows(node.relation) ? Relation::at_most : Relation::at_least;
  const bool on = passes || (*latch != 0 && !holds(back, left.value, limit));
  if (changes) *latch = on ? 1 : 0;
  return truth_of(on);
}

Truth BoundCondition::hold(const ConditionNode& node, Row& row, bool changes) {
  HoldState& state = row.holds[static_cast<std::size_t>(node.index)];
  const Truth now = truth(node.first, row, changes);
  if (now == Truth::unknown) {
    if (changes) state.on.unknown(), state.off.unknown();
    return Truth::unknown;
  }
  if (changes) {
    state.on.step(now_, now == Truth::yes);
    state.off.step(now_, now == Truth::no);
    state.held = state.held ? !state.off.held(node.clear_time) : state.on.held(node.time);
  }
  return truth_of(state.held);
}

bool BoundCondition::in_time(const ConditionNode& node) const {
  constexpr std::int64_t kMinute = 60'000'000'000, kDay = 24 * 60 * kMinute;
  const std::int64_t ns = to_ns(wall_);
  const std::int64_t day = ns / kDay - (ns % kDay < 0 ? 1 : 0);
  if (node.op == Op::days) {
    constexpr std::int64_t kThursday = 3;  // 1970-01-01
    const std::int64_t weekday = ((day + kThursday) % 7 + 7) % 7;
    return ((node.from >> weekday) & 1) != 0;
  }
  const auto minute = static_cast<int>((ns - day * kDay) / kMinute);
  if (node.from <= node.to) return minute >= node.from && minute < node.to;
  return minute >= node.from || minute < node.to;
}

BoundCondition::Quantity BoundCondition::value_of(const Slot* slot) const {
  if (slot == nullptr || !slot->value || stale(*slot)) return {};
  return {*slot->value, true, false};
}

BoundCondition::Quantity BoundCondition::number(int number_of, Row& row, bool changes) {
  const ConditionNode& node = at(number_of);
  switch (node.op) {
    case Op::number: return {node.number, true, false};
    case Op::series: {
      const SeriesRef& ref = condition_.refs[static_cast<std::size_t>(node.index)];
      const auto slot = static_cast<std::size_t>(ref.slot);
      return slot < row.slots.size() ? value_of(row.slots[slot]) : Quantity{};
    }
    case Op::now: return {static_cast<double>(to_ns(wall_)) * 1e-9, true, false};
    case Op::negate: {
      const Quantity inner = number(node.first, row, changes);
      return {-inner.value, inner.known && !inner.at_least, false};
    }
    case Op::choose: {
      const Truth which = truth(node.third, row, changes);
      const Quantity first = number(node.first, row, changes), second = number(node.second, row, changes);
      if (which == Truth::unknown) return {};
      return which == Truth::yes ? first : second;
    }
    case Op::window: return window(node, row, changes);
    case Op::gather: return gather(node, changes);
    case Op::count: return count(node, changes);
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide: return arithmetic(node, row, changes);
    case Op::compare:
    case Op::both:
    case Op::either:
    case Op::inverse:
    case Op::any:
    case Op::all:
    case Op::hold:
    case Op::between:
    case Op::days:
    case Op::known:
    case Op::entity_is:
    case Op::stage_is: break;
  }
  return {};
}

BoundCondition::Quantity BoundCondition::arithmetic(const ConditionNode& node, Row& row, bool changes) {
  const Quantity a = number(node.first, row, changes), b = number(node.second, row, changes);
  if (!a.known || !b.known) return {};
  if (node.op == Op::add) return {a.value + b.value, true, a.at_least || b.at_least};
  if (a.at_least || b.at_least) return {};  // the rest may turn it round
  double value = 0;
  if (node.op == Op::subtract) value = a.value - b.value;
  if (node.op == Op::multiply) value = a.value * b.value;
  if (node.op == Op::divide) {
    if (b.value == 0) return {};
    value = a.value / b.value;
  }
  return {value, std::isfinite(value), false};
}

BoundCondition::Quantity BoundCondition::window(const ConditionNode& node, Row& row, bool changes) {
  const Quantity now = number(node.first, row, changes);
  Window& window = row.windows[static_cast<std::size_t>(node.index)];
  const bool known = now.known && !now.at_least;
  if (changes) window.step(now_, known ? std::optional(now.value) : std::nullopt, node.cumulative);
  const Window::Summary seen = window.summary();
  if (!seen.any || seen.observed <= 0) return {};
  const double mean = seen.area / seen.observed;
  switch (node.function) {
    case Function::mean: return {mean, seen.full, false};
    case Function::least: return {seen.least, seen.full, false};
    // The greatest so far can only become greater, and so can what was counted.
    case Function::most: return {seen.most, true, !seen.full};
    case Function::rate:
      if (node.cumulative) return {seen.full ? mean : seen.area / to_seconds(node.time), true, !seen.full};
      return {seen.latest - seen.first, seen.full, false};
    case Function::delta:
      // Readings are a little early or late; what is counted is whole.
      if (node.cumulative) return {node.dimension.has_unit() ? seen.area : std::round(seen.area), true, !seen.full};
      return {seen.latest - seen.first, seen.full, false};
    case Function::sum: break;
  }
  return {};
}

BoundCondition::Quantity BoundCondition::gather(const ConditionNode& node, bool changes) {
  Rows& scope = scopes_[static_cast<std::size_t>(node.rows)];
  Quantity result;
  std::size_t rows = 0;
  bool known = true, at_least = false;
  for (Row& row : scope.rows) {
    if (stale(row)) continue;
    const Quantity each = number(node.first, row, changes);
    known = known && each.known;
    at_least = at_least || each.at_least;
    const double value = each.value;
    const bool first = rows++ == 0;
    if (first) {
      result.value = value;
    } else if (node.function == Function::least) {
      result.value = std::min(result.value, value);
    } else if (node.function == Function::most) {
      result.value = std::max(result.value, value);
    } else {
      result.value += value;
    }
  }
  if (rows == 0 || !known) return {};
  if (node.function == Function::mean) result.value /= static_cast<double>(rows);
  return {result.value, std::isfinite(result.value), at_least};
}

// Rows that are not known make it a lower bound.
BoundCondition::Quantity BoundCondition::count(const ConditionNode& node, bool changes) {
  Rows& scope = scopes_[static_cast<std::size_t>(node.rows)];
  Quantity result;
  for (Row& row : scope.rows) {
    if (stale(row)) continue;
    const Truth each = truth(node.first, row, changes);
    result.known = true;
    result.at_least = result.at_least || each == Truth::unknown;
    if (each == Truth::yes) result.value += 1;
  }
  return result;
}

}  // namespace hostmedic::detect
