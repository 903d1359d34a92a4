// SPDX-License-Identifier: Apache-2.0
#include "agent/config/condition_text.h"

#include <algorithm>

#include "detect/rules/condition.h"

namespace hostmedic {
namespace {

// Where a byte of a text stands in the file. The node knows where its quotation begins and ends, not how it is quoted:
// that is seen from how much longer it is than what is in it.
Position position_in(const Node& node, std::size_t offset) {
  const std::string_view before = std::string_view(node.text).substr(0, offset);
  const auto breaks = [](std::string_view text) {
    return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
  };
  const auto column_of = [](std::size_t bytes) { return static_cast<std::uint32_t>(bytes); };
  const std::uint32_t lines = node.end.line - node.at.line;
  const bool cut = lines > breaks(node.text);  // the line break behind """ is not a part of the text
  const std::uint32_t line = breaks(before) + (cut ? 1 : 0);
  if (line > 0) return {node.at.line + line, column_of(before.size() - (before.find_last_of('\n') + 1)) + 1};
  const bool triple = lines > 0 || node.end.column - node.at.column >= node.text.size() + 5;
  return {node.at.line, node.at.column + (triple ? 3 : 1) + column_of(offset)};
}

}  // namespace

void read_condition(const Member& member, const Place& place, std::string& ret_condition) {
  const Node& node = member.value;
  if (node.kind != Node::Kind::text)
    return place.error(node.at, member.name + ": expected a condition such as \"a > 90%\"");
  const detect::ParsedCondition parsed = detect::parse_condition(node.text);
  if (!parsed.condition)
    return place.error(position_in(node, parsed.fault.at), member.name + ": " + parsed.fault.message);
  ret_condition = node.text;
}

}  // namespace hostmedic
