// SPDX-License-Identifier: Apache-2.0
// Reads what is true or false; condition_terms.cpp reads the numbers in it.
#include <algorithm>
#include <array>

#include "agent/base/text.h"
#include "detect/rules/condition_parser.h"

namespace hostmedic::detect {

namespace {
constexpr std::size_t kMostScopes = 64;
constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int kWeekdays = 0b0011111, kWeekends = 0b1100000;

struct Sign {
  std::string_view text;
  Relation relation;
};
constexpr std::array kSigns{Sign{">", Relation::above},  Sign{">=", Relation::at_least},
                            Sign{"<", Relation::below},  Sign{"<=", Relation::at_most},
                            Sign{"==", Relation::equal}, Sign{"!=", Relation::different}};
}  // namespace

int ConditionParser::fail(const Token& token, std::string message) {
  if (!fault_.message.empty()) return -1;  // the first is the cause
  const Token& place = inside_ != nullptr ? *inside_ : token;
  fault_ = {place.begin, std::max<std::size_t>(1, place.end - place.begin), std::move(message)};
  return -1;
}

int ConditionParser::fail_at(const ConditionNode& node, std::string message) {
  Token place;
  place.begin = node.begin, place.end = node.end;
  return fail(place, std::move(message));
}

int ConditionParser::add(ConditionNode made) {
  if (condition_.nodes.size() >= kMostConditionNodes) return fail(lexer_.peek(), "the condition is too long");
  if (inside_ != nullptr) {
    made.begin = static_cast<std::uint16_t>(inside_->begin);
    made.end = static_cast<std::uint16_t>(inside_->end);
  } else {
    made.end = static_cast<std::uint16_t>(lexer_.last_end());
  }
  condition_.nodes.push_back(std::move(made));
  return static_cast<int>(condition_.nodes.size()) - 1;
}

int ConditionParser::open_scope() {
  if (condition_.scopes.size() >= kMostScopes) return fail(lexer_.peek(), "the condition is too long");
  condition_.scopes.emplace_back();
  return static_cast<int>(condition_.scopes.size()) - 1;
}

// What was read since the mark for one scope now belongs to a scope of its own, whose number is returned.
int ConditionParser::own_scope(int from, const Mark& mark) {
  const int own = open_scope();
  if (own < 0) return -1;
  for (std::size_t i = mark.refs; i < condition_.refs.size(); ++i) {
    SeriesRef& ref = condition_.refs[i];
    if (ref.scope != from) continue;
    scope(from).refs.pop_back();  // they are the last ones
    ref.scope = own;
    ref.slot = static_cast<int>(scope(own).refs.size());
    scope(own).refs.push_back(static_cast<int>(i));
  }
  for (std::size_t i = mark.nodes; i < condition_.nodes.size(); ++i) {
    if (condition_.nodes[i].scope != from) continue;
    condition_.nodes[i].scope = own;
    place_state(condition_.nodes[i]);
  }
  return own;
}

void ConditionParser::place_state(ConditionNode& node) {
  ConditionScope& home = scope(node.op == Op::compare && node.rows >= 0 ? node.rows : node.scope);
  if (node.op == Op::window) node.index = home.windows++;
  if (node.op == Op::hold) node.index = home.holds++;
  if (node.op == Op::compare && node.clear >= 0) node.index = home.latches++;
}

bool ConditionParser::accept(std::string_view word) {
  if (!lexer_.peek().is(word)) return false;
  (void)lexer_.take();
  return true;
}

bool ConditionParser::expect(std::string_view symbol) {
  if (accept(symbol)) return true;
  const Token& found = lexer_.peek();
  if (found.kind == Token::Kind::wrong) return fail(found, found.fault) >= 0;
  return fail(found, "expected '" + std::string(symbol) + "'") >= 0;
}

bool ConditionParser::is_truth(int number) const {
  return condition_.nodes[static_cast<std::size_t>(number)].op >= Op::compare;
}

bool ConditionParser::need_truth(int number) {
  if (number < 0) return false;
  if (is_truth(number)) return true;
  return fail_at(node(number), "expected something that is true or false, such as a comparison with '>'") >= 0;
}

bool ConditionParser::need_number(int number) {
  if (number < 0) return false;
  if (!is_truth(number)) return true;
  return fail_at(node(number), "expected a number, and this is true or false") >= 0;
}

std::optional<Duration> ConditionParser::duration(std::string_view what) {
  const Token token = lexer_.take();
  if (token.kind != Token::Kind::number || !token.duration) {
    fail(token, "expected a time " + std::string(what) + ", such as 30s");
    return std::nullopt;
  }
  if (token.number < 0.1 || token.number > 86400 * 7) {
    fail(token, "expected a time from 100ms to 7d");
    return std::nullopt;
  }
  return Duration(static_cast<Duration::rep>(token.number * 1e9));
}

int ConditionParser::whole() {
  condition_.scopes.emplace_back();
  const int root = statement(0);
  if (root < 0) return -1;
  const Token& rest = lexer_.peek();
  if (rest.kind == Token::Kind::wrong) return fail(rest, rest.fault);
  if (rest.is("and") || rest.is("or")) return fail(rest, "put what 'for', 'clear' or 'unless' ends into parentheses");
  if (rest.kind != Token::Kind::end) return fail(rest, "expected 'and', 'or', 'for', 'unless' or the end");
  return need_truth(root) ? root : -1;
}

int ConditionParser::statement(int scope) {
  if (++depth_ > kMostConditionDepth) return fail(lexer_.peek(), "too many parentheses within each other");
  int node = choice(scope);
  if (node >= 0) node = after(node, scope);
  --depth_;
  return node;
}

int ConditionParser::after(int number, int scope) {
  while (number >= 0) {
    const Token word = lexer_.peek();
    Lexer ahead = lexer_;
    (void)ahead.take();
    if (word.is("for") || (word.is("clear") && ahead.peek().is("after"))) {
      number = held(number, scope);
    } else if (word.is("unless")) {
      (void)lexer_.take();
      const int other = any_of(scope);
      if (!need_truth(number) || !need_truth(other)) return -1;
      const std::uint16_t begin = node(other).begin;
      const int inverse = add({.op = Op::inverse, .begin = begin, .first = other, .scope = scope});
      if (inverse < 0) return -1;
      number = add({.op = Op::both, .begin = node(number).begin, .first = number, .second = inverse, .scope = scope});
    } else if (word.is("clear") || word.is("margin")) {
      const int inner = node(number).op == Op::hold ? node(number).first : number;
      if (node(inner).op != Op::compare) return fail(word, "put it directly behind the comparison that it belongs to");
      if (!ended(inner, scope)) return -1;
    } else {
      return number;
    }
  }
  return number;
}

int ConditionParser::held(int number, int scope) {
  if (!need_truth(number)) return -1;
  ConditionNode hold{.op = Op::hold, .begin = node(number).begin, .first = number, .scope = scope};
  if (accept("for")) {
    const auto time = duration("after 'for'");
    if (!time) return -1;
    hold.time = *time;
  }
  Lexer ahead = lexer_;
  (void)ahead.take();
  if (lexer_.peek().is("clear") && ahead.peek().is("after")) {
    (void)lexer_.take(), (void)lexer_.take();
    const auto clear = duration("after 'clear after'");
    if (!clear) return -1;
    hold.clear_time = *clear;
  }
  place_state(hold);
  return add(std::move(hold));
}

// A comparison that is true stays so until this.
bool ConditionParser::ended(int number, int scope) {
  const Token word = lexer_.take();
  const int row_scope = node(number).rows >= 0 ? node(number).rows : scope;
  const Relation relation = node(number).relation;
  const bool above = relation == Relation::above || relation == Relation::at_least;
  if (relation == Relation::equal || relation == Relation::different)
    return fail(word, "only > and < have a limit at which they end") >= 0;
  if (node(number).clear >= 0) return fail(word, "the comparison has a limit at which it ends already") >= 0;
  if (word.text == "clear" && !expect(above ? "below" : "above")) return false;
  const int limit = sum(row_scope);
  if (!need_number(limit) || !compare_units(node(number), node(limit), word)) return false;
  node(number).clear = limit;
  node(number).margin = word.text == "margin";
  place_state(node(number));
  return true;
}

int ConditionParser::choice(int scope) {
  const int first = any_of(scope);
  if (first < 0 || !lexer_.peek().is("if")) return first;
  const Token word = lexer_.take();
  if (is_truth(first)) return fail(word, "put the choice into parentheses: x > (90% if stage is test else 80%)");
  const int third = any_of(scope);
  if (!need_truth(third) || !expect("else")) return -1;
  const int second = choice(scope);
  if (!need_number(second)) return -1;
  const auto dimension = common(node(first).dimension, node(second).dimension);
  if (!dimension)
    return fail_at(node(second), to_string(node(first).dimension) + " or " + to_string(node(second).dimension) +
                                     ": the two do not go together");
  return add({.op = Op::choose,
              .begin = node(first).begin,
              .first = first,
              .second = second,
              .third = third,
              .dimension = *dimension,
              .scope = scope});
}

int ConditionParser::any_of(int scope) {
  int left = all_of(scope);
  while (left >= 0 && accept("or")) {
    const int right = all_of(scope);
    if (!need_truth(left) || !need_truth(right)) return -1;
    left = add({.op = Op::either, .begin = node(left).begin, .first = left, .second = right, .scope = scope});
  }
  return left;
}

int ConditionParser::all_of(int scope) {
  int left = inverse(scope);
  while (left >= 0 && accept("and")) {
    const int right = inverse(scope);
    if (!need_truth(left) || !need_truth(right)) return -1;
    left = add({.op = Op::both, .begin = node(left).begin, .first = left, .second = right, .scope = scope});
  }
  return left;
}

int ConditionParser::inverse(int scope) {
  const Token word = lexer_.peek();
  if (!accept("not")) return comparison(scope);
  const int inner = comparison(scope);
  if (!need_truth(inner)) return -1;
  return add({.op = Op::inverse, .begin = static_cast<std::uint16_t>(word.begin), .first = inner, .scope = scope});
}

int ConditionParser::comparison(int scope) {
  const Mark mark{condition_.nodes.size(), condition_.refs.size()};
  const int left = sum(scope);
  if (left < 0) return -1;
  const Token sign = lexer_.peek();
  if (sign.is("=")) return fail(sign, "expected '==' for the same");
  const auto known = std::ranges::find(kSigns, sign.text, &Sign::text);
  if (sign.kind != Token::Kind::symbol || known == kSigns.end()) return left;
  (void)lexer_.take();
  if (!need_number(left)) return -1;
  const int right = sum(scope);
  if (!need_number(right) || !compare_units(node(left), node(right), sign)) return -1;
  ConditionNode made{.op = Op::compare, .begin = node(left).begin, .first = left, .second = right, .scope = scope};
  made.relation = known->relation;
  made.dimension = *common(node(left).dimension, node(right).dimension);
  // A ratio that is compared with a number is shown as one.
  if (node(right).op == Op::number && !node(right).dimension.any) made.dimension.plain = node(right).dimension.plain;
  if (scope == 0 && (made.rows = own_scope(0, mark)) < 0) return -1;
  const int number = add(std::move(made));
  const Token word = lexer_.peek();
  Lexer ahead = lexer_;
  (void)ahead.take();
  const bool ends = word.is("margin") || (word.is("clear") && !ahead.peek().is("after"));
  if (number >= 0 && ends && !ended(number, scope)) return -1;
  return number;
}

// "between 22:00 and 06:00"
int ConditionParser::between() {
  const Token word = lexer_.take();
  const Token from = lexer_.take();
  if (from.kind != Token::Kind::clock) return fail(from, "expected a time of the day such as 22:00");
  if (!expect("and")) return -1;
  const Token to = lexer_.take();
  if (to.kind != Token::Kind::clock) return fail(to, "expected a time of the day such as 06:00");
  ConditionNode made{.op = Op::between, .begin = static_cast<std::uint16_t>(word.begin)};
  made.from = from.minute, made.to = to.minute;
  return add(std::move(made));
}

// "on weekdays", "on mon-wed, sat"
int ConditionParser::days() {
  const Token word = lexer_.take();
  ConditionNode made{.op = Op::days, .begin = static_cast<std::uint16_t>(word.begin)};
  do {
    const Token day = lexer_.take();
    const auto known = std::ranges::find(kDays, day.text);
    if (day.text == "weekdays") {
      made.from |= kWeekdays;
    } else if (day.text == "weekends") {
      made.from |= kWeekends;
    } else if (known != kDays.end()) {
      const auto first = static_cast<int>(known - kDays.begin());
      int last = first;
      if (accept("-")) {
        const Token end = lexer_.take();
        const auto end_day = std::ranges::find(kDays, end.text);
        if (end_day == kDays.end()) return fail(end, "expected a day: mon, tue, wed, thu, fri, sat or sun");
        last = static_cast<int>(end_day - kDays.begin());
      }
      for (int i = first;; i = (i + 1) % 7) {
        made.from |= 1 << i;
        if (i == last) break;
      }
    } else {
      return fail(day, "expected weekdays, weekends, or a day: mon, tue, wed, thu, fri, sat or sun");
    }
  } while (accept(","));
  return add(std::move(made));
}

// "stage is prod*"
int ConditionParser::is_pattern(Op op) {
  const Token word = lexer_.take();
  if (!accept("is")) return fail(lexer_.peek(), "expected 'is' and a pattern");
  const Token pattern = lexer_.take_pattern();
  if (pattern.kind != Token::Kind::quoted) return fail(pattern, "expected a pattern such as \"service:nginx*\"");
  ConditionNode made{.op = op, .begin = static_cast<std::uint16_t>(word.begin)};
  made.pattern = pattern.text;
  return add(std::move(made));
}

}  // namespace hostmedic::detect
