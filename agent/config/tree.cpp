// SPDX-License-Identifier: Apache-2.0
// The only translation unit that includes toml++. Built without its exceptions: parsing gives a result to look at.
#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts in its parser of keys what a file with "[." breaks, in front of the very branch that reports it:
// an abort with assertions, and without them an assumption for the optimiser where the compiler has one. With neither
// the branch does its work.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
// Depth is recursion, here and in the library: brackets are bounded by this, dots by kMostDots.
#define TOML_MAX_NESTED_VALUES 16
#include "agent/config/tree.h"

#include <toml++/toml.h>

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

// In one line. A dotted key is as deep as it has dots.
constexpr std::ptrdiff_t kMostDots = 100;

Position place(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

Node convert(const toml::node& from);

Node convert_table(const toml::table& from) {
  Node node;
  for (const auto& [key, value] : from)
    node.members.push_back({std::string(key.str()), place(key.source()), convert(value)});
  std::stable_sort(node.members.begin(), node.members.end(), [](const Member& a, const Member& b) {
    return a.at.line != b.at.line ? a.at.line < b.at.line : a.at.column < b.at.column;
  });
  return node;
}

Node convert(const toml::node& from) {
  Node node;
  switch (from.type()) {
    case toml::node_type::table: node = convert_table(*from.as_table()); break;
    case toml::node_type::array:
      node.kind = Node::Kind::list;
      for (const toml::node& item : *from.as_array()) node.items.push_back(convert(item));
      break;
    case toml::node_type::string:
      node.kind = Node::Kind::text;
      node.text = from.as_string()->get();
      break;
    case toml::node_type::integer:
      node.kind = Node::Kind::integer;
      node.integer = from.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      node.kind = Node::Kind::number;
      node.number = from.as_floating_point()->get();
      break;
    case toml::node_type::boolean:
      node.kind = Node::Kind::boolean;
      node.boolean = from.as_boolean()->get();
      break;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
    case toml::node_type::none: node.kind = Node::Kind::date; break;
  }
  node.at = place(from.source());
  return node;
}

}  // namespace

std::string_view to_string(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::boolean: return "true or false";
    case Node::Kind::integer: return "a whole number";
    case Node::Kind::number: return "a number";
    case Node::Kind::text: return "a text";
    case Node::Kind::date: return "a date";
    case Node::Kind::list: return "a list";
    case Node::Kind::table: return "a table";
  }
  return "?";
}

Node parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  if (text.size() > kMostConfigBytes) {
    diagnostics.error(file, {}, "larger than 1MiB");
    return {};
  }
  std::uint32_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (std::count(line.begin(), line.end(), '.') <= kMostDots) continue;
    diagnostics.error(file, {number, 1}, "more than 100 dots in one line");
    return {};
  }
  const toml::parse_result result = toml::parse(text, std::string());
  if (result.succeeded()) {
    Node root = convert_table(result.table());
    root.at = {1, 1};
    return root;
  }
  const toml::parse_error& error = result.error();
  diagnostics.error(file, place(error.source()), "not valid TOML: " + printable(error.description(), 300));
  return {};
}

}  // namespace hostmedic
