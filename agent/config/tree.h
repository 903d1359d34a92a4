// SPDX-License-Identifier: Apache-2.0
// TOML text as a tree of plain values, each with its place in the file. Hides the parser library. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/diagnostic.h"

namespace hostmedic {

struct Member;

struct Node {
  enum class Kind : std::uint8_t { boolean, integer, number, text, date, list, table };
  Kind kind = Kind::table;
  Position at, end;  // where it begins, and behind its last character
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<Node> items;      // of a list
  std::vector<Member> members;  // of a table, in the order of the file
};
struct Member {
  std::string name;
  Position at;  // of the name
  Node value;
};
std::string_view to_string(Node::Kind kind);  // "a text", "a whole number", ...

inline constexpr std::size_t kMostConfigBytes = 1 << 20;

// The whole is a table at 1:1. A syntax error is reported and gives an empty table. file only names the text in
// diagnostics.
Node parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics);

}  // namespace hostmedic
