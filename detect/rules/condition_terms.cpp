// SPDX-License-Identifier: Apache-2.0
// Reads the numbers of a condition: literals, series, functions, and their units.
#include <algorithm>
#include <array>

#include "agent/base/text.h"
#include "detect/feature/rate.h"
#include "detect/model/names.h"
#include "detect/rules/condition_parser.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kMostRefs = 32;
constexpr std::size_t kMostSelectors = 8;

constexpr Shorthand kShorthands[] = {
    {"cpu_utilization", "1 - sum(system.cpu.time{cpu.mode=idle}) - sum(system.cpu.time{cpu.mode=iowait})",
     "share of the CPUs' time that was worked"},
    {"load_per_cpu", "system.cpu.load_average.5m / system.cpu.logical.count", "load over five minutes per CPU"},
    {"memory_utilization", "system.memory.utilization", "share of the memory that is not available"},
    {"request_rate", "sum(hostmedic.http.server.request.count)", "HTTP requests per second"},
    {"error_rate",
     "sum(hostmedic.http.server.request.count{http.response.status_code=5xx}) / "
     "sum(hostmedic.http.server.request.count)",
     "share of the HTTP requests that were answered with 5xx"},
    {"p50_latency", "max(hostmedic.http.server.request.duration.p50)", "median time of HTTP requests"},
    {"p99_latency", "max(hostmedic.http.server.request.duration.p99)", "99th percentile of the time of HTTP requests"},
};

struct Call {
  std::string_view name;
  Function function;
  bool gathers, windows;  // over series, over time
};
constexpr std::array kCalls{Call{"sum", Function::sum, true, false},   Call{"avg", Function::mean, true, true},
                            Call{"min", Function::least, true, true},  Call{"max", Function::most, true, true},
                            Call{"rate", Function::rate, false, true}, Call{"delta", Function::delta, false, true}};

const MetricInfo* find_metric(std::string_view name) {
  for (const MetricInfo* info : metric::all())
    if (info->name == name) return info;
  return nullptr;
}

std::string unknown_metric(std::string_view name) {
  std::vector<std::string_view> known;
  for (const MetricInfo* info : metric::all()) known.push_back(info->name);
  for (const Shorthand& each : kShorthands) known.push_back(each.name);
  const std::string_view close = nearest(name, known);
  std::string text = "unknown metric '" + std::string(name) + "'";
  if (!close.empty()) return text + ", did you mean '" + std::string(close) + "'?";
  return text + "; one that is not Hostmedic's own is written in quotation marks";
}

// What is counted since boot: its value in a condition is its rate, and a window over it knows what was counted.
bool cumulative(const Condition& condition, int number) {
  const ConditionNode& node = condition.nodes[static_cast<std::size_t>(number)];
  if (node.op == Op::series) return node.cumulative;
  if (node.op == Op::gather) return node.function == Function::sum && cumulative(condition, node.first);
  return node.op == Op::add && cumulative(condition, node.first) && cumulative(condition, node.second);
}

std::uint16_t begin_of(const Token& token) { return static_cast<std::uint16_t>(token.begin); }

}  // namespace

std::span<const Shorthand> shorthands() { return kShorthands; }

bool ConditionParser::compare_units(const ConditionNode& left, const ConditionNode& right, const Token& sign) {
  if (common(left.dimension, right.dimension)) return true;
  std::string text = to_string(left.dimension) + " and " + to_string(right.dimension) + " do not go together";
  if (left.dimension.seconds == -1 && right.dimension.seconds == 0) text += "; a rate is written as 5/s or 10MiB/s";
  if (left.dimension.plain == Dimension::Plain::count && right.dimension.plain == Dimension::Plain::ratio)
    text += "; a count is compared with a number without %";
  return fail(sign, std::move(text)) >= 0;
}

int ConditionParser::arithmetic(Op op, int left, int right, const Token& sign) {
  if (!need_number(left) || !need_number(right)) return -1;
  const Dimension a = node(left).dimension, b = node(right).dimension;
  Dimension dimension;
  if (op == Op::multiply) {
    dimension = detect::product(a, b);
  } else if (op == Op::divide) {
    dimension = quotient(a, b);
  } else {
    if (!compare_units(node(left), node(right), sign)) return -1;
    dimension = *common(a, b);
  }
  return add({.op = op, .begin = node(left).begin, .first = left, .second = right, .dimension = dimension});
}

int ConditionParser::sum(int scope) {
  int left = product(scope);
  while (left >= 0 && (lexer_.peek().is("+") || lexer_.peek().is("-"))) {
    const Token sign = lexer_.take();
    left = arithmetic(sign.text == "+" ? Op::add : Op::subtract, left, product(scope), sign);
  }
  return left;
}

int ConditionParser::product(int scope) {
  int left = factor(scope);
  while (left >= 0 && (lexer_.peek().is("*") || lexer_.peek().is("/"))) {
    const Token sign = lexer_.take();
    left = arithmetic(sign.text == "*" ? Op::multiply : Op::divide, left, factor(scope), sign);
  }
  return left;
}

int ConditionParser::factor(int scope) {
  const Token token = lexer_.peek();
  switch (token.kind) {
    case Token::Kind::number: {
      (void)lexer_.take();
      ConditionNode made{.op = Op::number, .begin = begin_of(token), .dimension = token.dimension};
      made.number = token.number;
      return add(std::move(made));
    }
    case Token::Kind::name: return name(scope);
    case Token::Kind::quoted: return series(scope);
    case Token::Kind::symbol: break;
    case Token::Kind::wrong: return fail(token, token.fault);
    case Token::Kind::clock: return fail(token, "a time of the day stands in 'between 22:00 and 06:00'");
    case Token::Kind::end: return fail(token, "expected a metric, a number or '(', found the end");
  }
  if (token.is("(")) return group(scope);
  if (!token.is("-")) return fail(token, "expected a metric, a number or '('");
  (void)lexer_.take();
  if (++depth_ > kMostConditionDepth) return fail(token, "too many signs in a row");
  const int inner = factor(scope);
  --depth_;
  if (!need_number(inner)) return -1;
  return add({.op = Op::negate, .begin = begin_of(token), .first = inner, .dimension = node(inner).dimension});
}

int ConditionParser::group(int scope) {
  (void)lexer_.take();
  const int inner = statement(scope);
  return inner >= 0 && expect(")") ? inner : -1;
}

int ConditionParser::name(int scope) {
  const Token word = lexer_.peek();
  if (word.is("between")) return between();
  if (word.is("on")) return days();
  if (word.is("entity")) return is_pattern(Op::entity_is);
  if (word.is("stage")) return is_pattern(Op::stage_is);
  if (word.is("now")) {
    (void)lexer_.take();
    ConditionNode made{.op = Op::now, .begin = begin_of(word)};
    made.dimension.seconds = 1;
    return add(std::move(made));
  }
  Lexer ahead = lexer_;
  (void)ahead.take();
  if (!ahead.peek().is("(")) return series(scope);
  (void)lexer_.take(), (void)lexer_.take();
  if (++depth_ > kMostConditionDepth) return fail(word, "too many parentheses within each other");
  int made = -1;
  const auto call = std::ranges::find(kCalls, word.text, &Call::name);
  if (word.text == "any") {
    made = quantified(Op::any, scope);
  } else if (word.text == "all") {
    made = quantified(Op::all, scope);
  } else if (word.text == "count") {
    made = quantified(Op::count, scope);
  } else if (word.text == "known") {
    made = known(scope);
  } else if (call != kCalls.end()) {
    made = called(call->function, call->gathers, call->windows, scope);
  } else {
    return fail(word, "there is no function '" + std::string(word.text) +
                          "'; there are any, all, count, known, sum, avg, min, max, rate and delta");
  }
  --depth_;
  if (made < 0 || !expect(")")) return -1;
  node(made).begin = inside_ == nullptr ? begin_of(word) : node(made).begin;
  if (inside_ == nullptr) node(made).end = static_cast<std::uint16_t>(lexer_.last_end());
  return made;
}

int ConditionParser::quantified(Op op, int scope) {
  const int rows = open_scope();
  const int inner = rows < 0 ? -1 : statement(rows);
  if (!need_truth(inner)) return -1;
  ConditionNode made{.op = op, .first = inner, .scope = scope, .rows = rows};
  if (op == Op::count) made.dimension.plain = Dimension::Plain::count;
  return add(std::move(made));
}

int ConditionParser::known(int scope) {
  const int rows = open_scope();
  const int inner = rows < 0 ? -1 : sum(rows);
  if (!need_number(inner)) return -1;
  return add({.op = Op::known, .first = inner, .scope = scope, .rows = rows});
}

int ConditionParser::called(Function function, bool gathers, bool windows, int scope) {
  const Mark mark{condition_.nodes.size(), condition_.refs.size()};
  const int inner = sum(scope);
  if (!need_number(inner)) return -1;
  ConditionNode made{.first = inner, .dimension = node(inner).dimension, .scope = scope};
  made.function = function;
  if (!windows || (gathers && !lexer_.peek().is(","))) {
    made.op = Op::gather;
    made.rows = own_scope(scope, mark);
    return made.rows < 0 ? -1 : add(std::move(made));
  }
  if (!expect(",")) return -1;
  const auto time = duration("to look back");
  if (!time) return -1;
  made.op = Op::window;
  made.time = *time;
  made.cumulative = cumulative(condition_, inner);
  if (made.cumulative && function == Function::delta) made.dimension = detect::product(made.dimension, {.seconds = 1});
  place_state(made);
  return add(std::move(made));
}

int ConditionParser::series(int scope) {
  const Token word = lexer_.take();
  SeriesRef ref;
  ref.metric = word.text;
  if (word.kind == Token::Kind::quoted) {
    if (word.text.empty()) return fail(word, "expected the name of a metric");
    return refer(std::move(ref), find_metric(word.text), scope, word);
  }
  for (const Shorthand& each : kShorthands)
    if (each.name == word.text) return shorthand(each.text, scope, word);
  const MetricInfo* info = find_metric(word.text);
  if (info == nullptr) return fail(word, unknown_metric(word.text));
  return refer(std::move(ref), info, scope, word);
}

int ConditionParser::shorthand(std::string_view text, int scope, const Token& word) {
  const Lexer outside = lexer_;
  lexer_ = Lexer(text);
  inside_ = &word;
  const int made = sum(scope);
  inside_ = nullptr;
  lexer_ = outside;
  return made;
}

int ConditionParser::refer(SeriesRef ref, const MetricInfo* info, int scope, const Token& word) {
  if (!selectors(ref)) return -1;
  if (accept("@")) {
    const Token pattern = lexer_.take_pattern();
    if (pattern.kind != Token::Kind::quoted) return fail(pattern, "expected an entity such as @host or @\"service:*\"");
    ref.entity = pattern.text;
  }
  if (condition_.refs.size() >= kMostRefs) return fail(word, "more than 32 series in one condition");
  ConditionScope& home = this->scope(scope);
  ref.scope = scope;
  ref.slot = static_cast<int>(home.refs.size());
  const auto index = static_cast<int>(condition_.refs.size());
  home.refs.push_back(index);
  ConditionNode made{.op = Op::series, .begin = begin_of(word), .index = index, .scope = scope};
  // Exporters name what they count so.
  made.cumulative = info != nullptr ? info->instrument == Instrument::counter : ref.metric.ends_with("_total");
  made.dimension.any = info == nullptr;
  if (info != nullptr) made.dimension = dimension_of(made.cumulative ? rate_unit(info->unit) : info->unit);
  condition_.refs.push_back(std::move(ref));
  return add(std::move(made));
}

// "{cpu.mode=idle, resource!=mem*}"
bool ConditionParser::selectors(SeriesRef& ref) {
  if (!accept("{")) return true;
  if (accept("}")) return ref.bare = true;
  do {
    const Token key = lexer_.take();
    if (key.kind != Token::Kind::name) return fail(key, "expected the name of an attribute") >= 0;
    const Token sign = lexer_.take();
    if (!sign.is("=") && !sign.is("!=")) return fail(sign, "expected '=' or '!='") >= 0;
    const Token pattern = lexer_.take_pattern();
    if (pattern.kind != Token::Kind::quoted) return fail(pattern, "expected a pattern such as idle or net_*") >= 0;
    if (ref.selectors.size() >= kMostSelectors) return fail(key, "more than 8 attributes") >= 0;
    ref.selectors.push_back({std::string(key.text), std::string(pattern.text), sign.text == "="});
  } while (accept(","));
  return expect("}");
}

}  // namespace hostmedic::detect
