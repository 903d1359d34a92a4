// SPDX-License-Identifier: Apache-2.0
// The table rows that describe a configuration: each row validates its key, prints its default and documents it.
// Constants; any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "agent/config/value.h"

namespace hostmedic {

template <class Config>
struct Key {
  std::string_view table;  // "" for the top level
  std::string_view name;
  Limits limits;
  bool restart;  // a change needs a restart; else a reload is enough
  std::string_view doc;
  std::optional<Fault> (*read)(const Node&, const Limits&, Config&);
  std::string (*show)(const Config&);
  std::string (*type)(const Limits&);
};

// Field: a lambda without captures from a configuration to a reference into it.
template <class Config, auto Field>
constexpr Key<Config> key(std::string_view table, std::string_view name, Limits limits, bool restart,
                          std::string_view doc) {
  using Value = std::remove_cvref_t<decltype(Field(std::declval<Config&>()))>;
  return {
      table,
      name,
      limits,
      restart,
      doc,
      [](const Node& node, const Limits& within, Config& config) { return read_value(node, within, Field(config)); },
      [](const Config& config) { return show_value(Field(config)); },
      [](const Limits& within) { return type_text(static_cast<const Value*>(nullptr), within); }};
}

// One row of the reference, independent of the configuration's type.
struct KeyText {
  std::string table, name, type, fallback, doc;
  bool restart = false;
};

template <class Config>
std::vector<KeyText> key_texts(std::span<const Key<Config>> keys) {
  const Config defaults;
  std::vector<KeyText> texts;
  for (const Key<Config>& row : keys)
    texts.push_back({std::string(row.table), std::string(row.name), row.type(row.limits), row.show(defaults),
                     std::string(row.doc), row.restart});
  return texts;
}

// Where the walk is: the file and the list to complain to.
struct Place {
  const std::string& file;
  Diagnostics& diagnostics;
  void error(Position at, std::string message) const { diagnostics.error(file, at, std::move(message)); }
};

// What a key of a table may be besides a plain value: a list of tables, or a table with rules of its own. In a whole
// file, "table.name" is the name in that table.
struct Special {
  std::string_view name;
  std::function<void(const Member&)> take;
};

// Reads one table. Unknown keys and wrong values are reported, all of them; what is right is set.
template <class Config>
void read_table(const Node& table, std::string_view name, std::span<const Key<Config>> keys,
                std::span<const Special> specials, const Place& place, Config& config) {
  for (const Member& member : table.members) {
    const Special* special = nullptr;
    const Key<Config>* key = nullptr;
    std::vector<std::string_view> known;
    for (const Special& row : specials) {
      if (row.name == member.name) special = &row;
      known.push_back(row.name);
    }
    for (const Key<Config>& row : keys) {
      if (row.table != name) continue;
      if (row.name == member.name) key = &row;
      known.push_back(row.name);
    }
    if (special != nullptr) {
      special->take(member);
    } else if (key == nullptr) {
      place.error(member.at, unknown_text("key", member.name, known));
    } else if (auto wrong = key->read(member.value, key->limits, config)) {
      place.error(wrong->at, member.name + ": " + wrong->message);
    }
  }
}

// Reads a whole file: the keys of the top level and of all tables that the rows name.
template <class Config>
void read_tables(const Node& root, std::span<const Key<Config>> keys, std::vector<Special> specials, const Place& place,
                 Config& config) {
  std::vector<std::string_view> tables;
  for (const Key<Config>& row : keys)
    if (!row.table.empty() && (tables.empty() || tables.back() != row.table)) tables.push_back(row.table);
  const std::vector<Special> all = specials;
  std::erase_if(specials, [](const Special& row) { return row.name.find('.') != std::string_view::npos; });
  for (const std::string_view table : tables) {
    specials.push_back({table, [table, keys, &all, &place, &config](const Member& member) {
                          if (member.value.kind != Node::Kind::table)
                            return place.error(member.at, "expected the table [" + std::string(table) + "]");
                          std::vector<Special> inside;
                          for (const Special& row : all)
                            if (row.name.starts_with(table) && row.name.substr(table.size()).starts_with('.'))
                              inside.push_back({row.name.substr(table.size() + 1), row.take});
                          read_table<Config>(member.value, table, keys, inside, place, config);
                        }});
  }
  read_table<Config>(root, "", keys, specials, place, config);
}

// Calls take for each table of [[name]].
void each_table(const Member& member, const Place& place, const std::function<void(const Node&)>& take);
// The member of that name, or nullptr.
const Node* find_member(const Node& table, std::string_view name);
// Where to complain about a key: at its value, or at the table when it is not there.
Position position_of(const Node& table, std::string_view name);

}  // namespace hostmedic
