// SPDX-License-Identifier: Apache-2.0
// Why a bound condition is true, with the numbers that were seen.
#include "agent/base/text.h"
#include "detect/correlate/explain.h"
#include "detect/rules/bound_condition.h"

namespace hostmedic::detect {

namespace {

std::string_view sign_of(Relation relation) {
  switch (relation) {
    case Relation::above: return ">";
    case Relation::at_least: return ">=";
    case Relation::below: return "<";
    case Relation::at_most: return "<=";
    case Relation::equal: return "==";
    case Relation::different: return "!=";
  }
  return "?";
}

// In one line, whatever the condition was broken into.
std::string flat(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) {
      out += c;
    } else if (!out.ends_with(' ')) {
      out += ' ';
    }
  }
  return out;
}

}  // namespace

std::string BoundCondition::explain() { return explain(condition_.root, scopes_[0].rows[0]); }

std::string BoundCondition::explain(int number, Row& row) {
  const ConditionNode& node = at(number);
  const auto source = [&] { return flat(condition_.source(node)); };
  const auto rows = [&]() -> Rows& { return scopes_[static_cast<std::size_t>(node.rows)]; };
  switch (node.op) {
    case Op::both: {
      const std::string first = explain(node.first, row), second = explain(node.second, row);
      return first + (second.empty() ? "" : " and " + second);
    }
    case Op::either: {
      const bool first = truth(node.first, row, false) == Truth::yes;
      const bool second = truth(node.second, row, false) == Truth::yes;
      if (first && second) return explain(node.first, row) + " and " + explain(node.second, row);
      return explain(second ? node.second : node.first, row);
    }
    case Op::inverse: return "";  // what is not so needs no numbers
    case Op::hold: {
      const HoldState& state = row.holds[static_cast<std::size_t>(node.index)];
      const std::string held = format_duration(now_ - state.on.since());
      return explain(node.first, row) + (truth(node.first, row, false) == Truth::yes ? " for " + held : "");
    }
    case Op::compare: {
      if (node.rows < 0) return explain_compare(node, row);
      Rows& scope = rows();
      if (scope.rows.empty()) return source();
      Row& which = scope.rows[std::min(scope.witness, scope.rows.size() - 1)];
      std::string text = explain_compare(node, which);
      if (scope.rows.size() < 2) return text;
      text += " (" + (which.entity == subject_text_ ? "" : which.entity);
      if (!which.attributes.empty()) text += (text.back() == '(' ? "" : " ") + which.attributes;
      return text + ")";
    }
    case Op::any: {
      Rows& scope = rows();
      if (scope.rows.empty()) return source();
      Row& which = scope.rows[std::min(scope.witness, scope.rows.size() - 1)];
      std::string text = explain(node.first, which);
      if (!which.entity.empty() && which.entity != subject_text_) text += " at " + which.entity;
      if (!which.attributes.empty()) text += " {" + which.attributes + "}";
      return text;
    }
    case Op::all:
    case Op::known:
    case Op::between:
    case Op::days:
    case Op::entity_is:
    case Op::stage_is: return source();
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
  return source();
}

// One side of a comparison: its value, behind what it is called.
std::string BoundCondition::side(int number_of, Row& row, Unit unit, bool name) {
  const ConditionNode& node = at(number_of);
  const std::string source = flat(condition_.source(node));
  if (node.op == Op::number) return source;
  const Quantity value = number(number_of, row, false);
  return (name ? source + " " : "") + (value.known ? format_value(value.value, unit) : "unknown");
}

// "system.cpu.load_average.5m / system.cpu.logical.count 5.1 > 4"
std::string BoundCondition::explain_compare(const ConditionNode& node, Row& row) {
  const Unit unit = unit_of(node.dimension);
  const std::string sign(sign_of(node.relation));
  const std::string limit = side(node.second, row, unit, false);
  const Quantity left = number(node.first, row, false), right = number(node.second, row, false);
  const bool above = node.relation == Relation::above || node.relation == Relation::at_least;
  // Held by its limit for clearing, or by a hold.
  const bool back = left.known && right.known && node.relation != Relation::equal &&
                    node.relation != Relation::different &&
                    (above ? left.value < right.value : left.value > right.value);
  return side(node.first, row, unit, true) + (back ? ", was " : " ") + sign + " " + limit;
}

std::string BoundCondition::standing() {
  std::string text;
  for (const ConditionNode& node : condition_.nodes) {
    if (node.op != Op::compare) continue;
    const Rows& scope = scopes_[static_cast<std::size_t>(node.rows >= 0 ? node.rows : node.scope)];
    if (!text.empty()) text += "; ";
    if (scope.rows.empty()) {
      text += flat(condition_.source(node)) + ": nothing to look at";
      continue;
    }
    Row row = scope.rows[std::min(scope.witness, scope.rows.size() - 1)];  // a copy: it is only looked at
    const Unit unit = unit_of(node.dimension);
    const Truth truth = compare(node, row, false);
    text += side(node.first, row, unit, true) + " " + std::string(sign_of(node.relation)) + " " +
            side(node.second, row, unit, false) +
            (truth == Truth::yes  ? ": yes"
             : truth == Truth::no ? ": no"
                                  : ": unknown");
  }
  return text.empty() ? flat(condition_.text) : text;
}

std::pair<const ConditionNode*, BoundCondition::Row*> BoundCondition::decisive(int number, Row& row) {
  const ConditionNode& node = at(number);
  switch (node.op) {
    case Op::both: {
      const auto first = decisive(node.first, row);
      return first.first != nullptr ? first : decisive(node.second, row);
    }
    case Op::either: return decisive(truth(node.first, row, false) == Truth::yes ? node.first : node.second, row);
    case Op::hold: return decisive(node.first, row);
    case Op::compare:
    case Op::any: {
      if (node.rows < 0) return {&node, &row};
      Rows& scope = scopes_[static_cast<std::size_t>(node.rows)];
      if (scope.rows.empty()) return {nullptr, nullptr};
      Row& which = scope.rows[std::min(scope.witness, scope.rows.size() - 1)];
      return node.op == Op::compare ? std::pair(&node, &which) : decisive(node.first, which);
    }
    default: return {nullptr, nullptr};
  }
}

std::optional<MonoTime> BoundCondition::since() const {
  const ConditionNode* node = &at(condition_.root);
  while (node->op == Op::both) node = &at(node->first);
  if (node->op != Op::hold) return std::nullopt;
  const Hold& on = scopes_[0].rows[0].holds[static_cast<std::size_t>(node->index)].on;
  return on.held(Duration::zero()) ? std::optional(on.since()) : std::nullopt;
}

BoundCondition::Witness BoundCondition::witness() {
  const auto [node, row] = decisive(condition_.root, scopes_[0].rows[0]);
  if (node == nullptr) return {};
  const Quantity value = number(node->first, *row, false), limit = number(node->second, *row, false);
  Witness witness;
  if (value.known) witness.value = value.value;
  if (limit.known) witness.limit = limit.value;
  witness.unit = unit_of(node->dimension);
  witness.above = node->relation == Relation::above || node->relation == Relation::at_least;
  return witness;
}

}  // namespace hostmedic::detect
