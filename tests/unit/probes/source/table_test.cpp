// SPDX-License-Identifier: Apache-2.0
#include "probes/source/table.h"

#include <doctest/doctest.h>

using namespace hostmedic;

namespace {
struct Row {
  std::string_view name;
};
}  // namespace

TEST_CASE("followed table: rows keep what is known of them through every change of order") {
  FollowedTable<int> table;
  int made = 0;
  std::vector<int> dropped;
  const auto align = [&](std::vector<Row> rows) {
    table.align(rows, [&](const Row&) { return ++made; }, [&](int& known) { dropped.push_back(known); });
  };
  align({{"a"}, {"b"}, {"c"}});
  CHECK(table.size() == 3);
  CHECK(table[1] == 2);
  align({{"a"}, {"b"}, {"c"}});
  CHECK(made == 3);
  align({{"c"}, {"d"}, {"a"}});
  CHECK(table[0] == 3);
  CHECK(table[1] == 4);
  CHECK(table[2] == 1);
  CHECK(table.name(1) == "d");
  CHECK(dropped == std::vector<int>{2});
  align({});
  CHECK(table.size() == 0);
  CHECK(dropped.size() == 4);
}

TEST_CASE("followed table: of two rows with one name both are followed") {
  FollowedTable<int> table;
  int made = 0, dropped = 0;
  const auto align = [&](std::vector<Row> rows) {
    table.align(rows, [&](const Row&) { return ++made; }, [&](int&) { ++dropped; });
  };
  align({{"a"}, {"a"}});
  CHECK(table.size() == 2);
  align({{"a"}});
  CHECK(table.size() == 1);
  CHECK(made == 2);
  CHECK(dropped == 1);
}
