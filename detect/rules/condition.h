// SPDX-License-Identifier: Apache-2.0
// The language of composite conditions, shared by rules and runbooks: "a > 90% and rate(b, 1m) > 5/s for 30s". Here is
// its syntax tree, a plain value. condition_parse.cpp reads it, with the units checked; bound_condition.h evaluates it.
// hostmedic-rules(5) documents the grammar. Pure; any thread.
//
//   condition  = choice { "for" DURATION | "clear" "after" DURATION | "clear" limit | "unless" any_of }
//   choice     = any_of [ "if" any_of "else" choice ]
//   any_of     = all_of { "or" all_of }
//   all_of     = inverse { "and" inverse }
//   inverse    = [ "not" ] comparison
//   comparison = sum [ (">" | ">=" | "<" | "<=" | "==" | "!=") sum [ "clear" limit | "margin" sum ] ]
//   limit      = ( "below" | "above" ) sum
//   sum        = product { ("+" | "-") product }
//   product    = factor { ("*" | "/") factor }
//   factor     = [ "-" ] ( NUMBER | series | call | "(" condition ")" | day | word )
//   day        = "between" HH:MM "and" HH:MM | "on" ( "weekdays" | "weekends" | DAY { "," DAY } )
//   word       = "now" | ("entity" | "stage") "is" PATTERN
//   call       = ("any" | "all" | "count") "(" condition ")" | ("sum" | "known") "(" sum ")"
//              | ("min" | "max" | "avg") "(" sum [ "," DURATION ] ")" | ("rate" | "delta") "(" sum "," DURATION ")"
//   series     = ( METRIC | '"' NAME '"' | SHORTHAND ) [ "{" [ KEY ("="|"!=") PATTERN { "," ... } ] "}" ] [ "@" PATTERN
//   ]
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "detect/rules/quantity.h"

namespace hostmedic::detect {

// Three values: what is not known neither fires nor clears. Ordered, so that "and" is the least and "or" the greatest.
enum class Truth : std::uint8_t { no, unknown, yes };

inline constexpr std::size_t kMostConditionText = 2048;
inline constexpr std::size_t kMostConditionNodes = 256;
inline constexpr int kMostConditionDepth = 32;

enum class Op : std::uint8_t {
  // Numbers.
  number,
  series,  // reference: index
  now,     // seconds since 1970
  add,
  subtract,
  multiply,
  divide,
  negate,
  choose,  // first if third else second
  window,  // first over the last `time`
  gather,  // over all series of its scope
  count,   // how many rows of its scope hold
  // Truths.
  compare,
  both,
  either,
  inverse,
  any,
  all,
  hold,  // first, without a break for `time`; no longer when it did not hold for `clear_time`
  between,
  days,
  known,
  entity_is,
  stage_is,
};
enum class Function : std::uint8_t { sum, mean, least, most, rate, delta };
enum class Relation : std::uint8_t { above, at_least, below, at_most, equal, different };

struct ConditionNode {
  Op op{};
  std::uint16_t begin = 0, end = 0;  // its place in the text
  int first = -1, second = -1, third = -1;
  Dimension dimension{};    // of a number
  double number = 0;        // the literal
  int index = -1;           // series: of the reference; window, compare with a limit, hold: of its state in the scope
  int scope = 0;            // of what has state: for whose rows it is evaluated
  int rows = -1;            // the scope that it opens: evaluated for each row of it
  Function function{};      // window, gather
  Relation relation{};      // compare
  int clear = -1;           // compare: node of the limit at which it ends
  bool margin = false;      // clear is a distance from the limit and not a limit
  bool cumulative = false;  // window of a counter: delta is what was counted
  Duration time{}, clear_time{};
  int from = 0, to = 0;   // between: minutes of the day in UTC; days: bits from Monday on
  std::string pattern{};  // entity_is, stage_is
};

struct Selector {
  std::string key, pattern;  // glob
  bool equal = true;
};

// What a name in a condition stands for: one series, or several.
struct SeriesRef {
  std::string metric;
  std::vector<Selector> selectors;
  bool bare = false;   // "{}": series without attributes
  std::string entity;  // glob; empty: the entity that the condition is about
  int scope = 0;
  int slot = 0;  // number within the scope

  bool matches(std::string_view name, std::string_view attributes) const;
};

// Series that are looked at together, row by row: of any(), sum() or a bare comparison. Rows of several references are
// joined by entity and attributes; a reference to a single series goes with each row.
struct ConditionScope {
  std::vector<int> refs;
  int windows = 0, latches = 0, holds = 0;  // state of each row
};

struct Condition {
  std::string text;
  std::vector<ConditionNode> nodes;
  std::vector<SeriesRef> refs;
  std::vector<ConditionScope> scopes;  // the first is the condition itself, with one row
  int root = -1;

  std::string_view source(const ConditionNode& node) const {
    return std::string_view(text).substr(node.begin, node.end - node.begin);
  }
  bool about_itself() const;  // names at least one series of the entity that it is about
};

struct ConditionFault {
  std::size_t at = 0, length = 1;  // bytes of the text
  std::string message;             // "unknown metric 'x', did you mean 'y'?"
};
// The text with a caret below the fault, in lines of at most 100 characters around it.
std::string show_fault(std::string_view text, const ConditionFault& fault);

struct ParsedCondition {
  std::optional<Condition> condition;
  ConditionFault fault;  // when there is none
};
ParsedCondition parse_condition(std::string_view text);

// Short names for what has a long one: "error_rate".
struct Shorthand {
  std::string_view name, text, doc;
};
std::span<const Shorthand> shorthands();

}  // namespace hostmedic::detect
