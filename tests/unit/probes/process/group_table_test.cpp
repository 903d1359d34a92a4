// SPDX-License-Identifier: Apache-2.0
#include "probes/process/group_table.h"

#include <doctest/doctest.h>

#include <string>

#include "../fake_root.h"

using namespace hostmedic;
using namespace hostmedic::process;
using hostmedic::test::at_second;

namespace {

struct Table : GroupTable {
  using GroupTable::GroupTable;
  Index join(const std::string& name, std::uint64_t rss = 0) {
    const Index index = find(name);
    joined(index);
    change(index, Gauge::rss_bytes, 0, rss);
    return index;
  }
  bool shows(const std::string& name) const {
    for (std::size_t i = 1; i < size(); ++i) {
      if ((*this)[i].name == name) return (*this)[i].shown;
    }
    return false;
  }
};

}  // namespace

TEST_CASE("groups: no name is no group, and a group keeps its place") {
  Table table(2, true);
  CHECK(table.find("") == GroupTable::kNone);
  table.count(GroupTable::kNone, Counter::user_time, 5);
  table.joined(GroupTable::kNone);
  table.left(GroupTable::kNone, at_second(1));
  const auto a = table.join("a"), b = table.join("b");
  CHECK(a != b);
  CHECK(table.find("a") == a);
  table.count(a, Counter::user_time, 7);
  CHECK(table[a].sums[Counter::user_time] == 7);
  CHECK((table[a].sums.told & bit(Counter::user_time)) != 0);
  CHECK((table[a].sums.told & bit(Counter::read_bytes)) == 0);
}

TEST_CASE("groups: what finds no room is told as others, whose counters never fall") {
  Table table(1, true);
  const auto small = table.join("small", 100), big = table.join("big", 900);
  CHECK(table.shows("small"));
  CHECK_FALSE(table.shows("big"));
  table.count(big, Counter::user_time, 50);
  CHECK(table.others()[Counter::user_time] == 50);
  CHECK(table.others()[Gauge::rss_bytes] == 900);
  CHECK(table.others().members == 1);
  for (int i = 1; i < 20; ++i) {
    table.count(big, Counter::user_time, 100);
    table.count(small, Counter::user_time, 1);
    const auto before = table.others()[Counter::user_time];
    table.rank(at_second(10 * i));
    CHECK(table.others()[Counter::user_time] >= before);
  }
  CHECK(table.shows("big"));
  CHECK_FALSE(table.shows("small"));
  CHECK(table.others()[Gauge::rss_bytes] == 100);
  const auto counted = table.others()[Counter::user_time];
  table.count(big, Counter::user_time, 100);
  CHECK(table.others()[Counter::user_time] == counted);
  table.count(small, Counter::user_time, 100);
  CHECK(table.others()[Counter::user_time] == counted + 100);
}

TEST_CASE("groups: a group that is shown does not give way to one that uses a little more") {
  Table table(1, true);
  (void)table.join("first", 100);
  (void)table.join("second", 150);
  for (int i = 1; i < 50; ++i) table.rank(at_second(10 * i));
  CHECK(table.shows("first"));
  CHECK_FALSE(table.shows("second"));
}

TEST_CASE("groups: a name that does not live to see a ranking is never shown") {
  Table table(5, false);
  const auto brief = table.join("brief", 1);
  (void)table.join("long", 1);
  CHECK_FALSE(table.shows("brief"));
  table.change(brief, Gauge::rss_bytes, 1, 0);
  table.left(brief, at_second(1));
  table.rank(at_second(2));
  CHECK_FALSE(table.shows("brief"));
  CHECK(table.shows("long"));
}

TEST_CASE("groups: an empty group stays for a while, then its place is another's") {
  Table table(2, true);
  const auto gone = table.join("gone", 5);
  (void)table.join("stays", 5);
  const auto serial = table[gone].serial;
  table.change(gone, Gauge::rss_bytes, 5, 0);
  table.left(gone, at_second(100));
  table.rank(at_second(399));
  CHECK(table.shows("gone"));
  CHECK(table.find("gone") == gone);
  table.rank(at_second(400));
  CHECK_FALSE(table.shows("gone"));
  const auto next = table.join("next", 5);
  CHECK(next == gone);
  CHECK(table[next].serial != serial);
  CHECK(table[next].sums[Counter::user_time] == 0);
  CHECK(table.shows("next"));
}

TEST_CASE("groups: past the bound all share one") {
  Table table(4, true);
  for (int i = 0; i < 2000; ++i) (void)table.join("name" + std::to_string(i), 1);
  CHECK(table.size() == GroupTable::kMostGroups);
  CHECK(table.find("name1999") == GroupTable::kOverflow);
  table.rank(at_second(1));
  CHECK(table.others().members == 1996);
  CHECK(table.others()[Gauge::rss_bytes] == 1996);
  for (int i = 512; i < 2000; ++i) table.left(GroupTable::kOverflow, at_second(2));
  table.rank(at_second(1000));
  CHECK(table.size() == GroupTable::kMostGroups);
}
