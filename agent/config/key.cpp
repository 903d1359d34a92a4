// SPDX-License-Identifier: Apache-2.0
#include "agent/config/key.h"

namespace hostmedic {

void each_table(const Member& member, const Place& place, const std::function<void(const Node&)>& take) {
  if (member.value.kind != Node::Kind::list)
    return place.error(member.at, "expected tables, written as [[" + member.name + "]]");
  for (const Node& item : member.value.items) {
    if (item.kind == Node::Kind::table) {
      take(item);
    } else {
      place.error(item.at, "expected a table, written as [[" + member.name + "]]");
    }
  }
}

const Node* find_member(const Node& table, std::string_view name) {
  for (const Member& member : table.members)
    if (member.name == name) return &member.value;
  return nullptr;
}

Position position_of(const Node& table, std::string_view name) {
  const Node* value = find_member(table, name);
  return value == nullptr ? table.at : value->at;
}

}  // namespace hostmedic
