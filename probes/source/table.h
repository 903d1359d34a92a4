// SPDX-License-Identifier: Apache-2.0
// What a probe knows of each row of a kernel table, kept in the order of the table. As long as the rows keep their
// names and order, aligning costs one comparison per row and allocates nothing. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hostmedic {

template <class Known>
class FollowedTable {
 public:
  // After this, (*this)[i] belongs to rows[i]. make(row) for rows that are new, drop(known) for those that left; of
  // rows with the same name only one keeps what was known. Row has a member `name`.
  template <class Rows, class Make, class Drop>
  void align(const Rows& rows, Make make, Drop drop) {
    if (is_aligned(rows)) return;
    std::multimap<std::string, Known> before;
    for (Entry& entry : entries_) before.emplace(std::move(entry.name), std::move(entry.known));
    entries_.clear();
    for (const auto& row : rows) {
      std::string name(row.name);
      const auto found = before.find(name);
      if (found == before.end()) {
        entries_.push_back({std::move(name), make(row)});
      } else {
        entries_.push_back({std::move(name), std::move(found->second)});
        before.erase(found);
      }
    }
    for (auto& [name, known] : before) drop(known);
  }
  Known& operator[](std::size_t i) { return entries_[i].known; }
  const std::string& name(std::size_t i) const { return entries_[i].name; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    Known known;
  };
  template <class Rows>
  bool is_aligned(const Rows& rows) const {
    if (rows.size() != entries_.size()) return false;
    std::size_t i = 0;
    for (const auto& row : rows) {
      if (entries_[i++].name != std::string_view(row.name)) return false;
    }
    return true;
  }
  std::vector<Entry> entries_;
};

}  // namespace hostmedic
