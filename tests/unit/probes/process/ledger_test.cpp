// SPDX-License-Identifier: Apache-2.0
#include "probes/process/ledger.h"

#include <doctest/doctest.h>

#include <map>

#include "../fake_root.h"

using namespace hostmedic;
using namespace hostmedic::process;
using hostmedic::test::at_second;

namespace {

struct Places final : PlaceFinder {
  std::optional<Place> find(std::uint32_t pid) override {
    ++asked;
    const auto found = of.find(pid);
    return found == of.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::uint32_t, Place> of;
  int asked = 0;
};

ProcessRecord record(std::uint32_t pid, const char* name, std::uint64_t user = 0, std::uint64_t system = 0,
                     std::uint64_t rss = 0, std::int64_t started = 200) {
  ProcessRecord made;
  made.pid = pid;
  made.started = std::chrono::seconds(started);
  made.group = 1000 + pid / 10;  // pids 10 to 19 share a control group
  made[Counter::user_time] = user;
  made[Counter::system_time] = system;
  made[Gauge::rss_bytes] = rss;
  made[Gauge::threads] = 1;
  made.known = kAllKnown;
  std::string_view(name).copy(made.name.data(), 15);
  return made;
}

struct Ledger {
  template <class... Records>
  void sweep(bool complete, const Records&... records) {
    ledger.begin(at_second(++second));
    (ledger.process(records), ...);
    ledger.end(complete);
  }
  const Sums& sums(GroupKind kind, std::string_view name) {
    const auto& groups = ledger.groups(kind);
    for (std::size_t i = 1; i < groups.size(); ++i) {
      if (groups[i].name == name) return groups[i].sums;
    }
    static const Sums none{};
    FAIL("no such group");
    return none;
  }
  const Sums& executable(std::string_view name) { return sums(GroupKind::executable, name); }
  Places places;
  ProcessLedger ledger{places, at_second(100)};
  int second = 100;
};

}  // namespace

TEST_CASE("ledger: sums by unit, container and executable") {
  Ledger l;
  l.places.of[10] = {"web.service", ""};
  l.places.of[20] = {"", "c1"};
  l.sweep(true, record(10, "nginx", 5, 2, 100), record(11, "nginx", 1, 1, 50), record(20, "nginx", 10, 0, 7),
          record(30, "bash"));
  CHECK(l.sums(GroupKind::unit, "web.service").members == 2);
  CHECK(l.sums(GroupKind::unit, "web.service")[Counter::user_time] == 6);
  CHECK(l.sums(GroupKind::container, "c1")[Gauge::rss_bytes] == 7);
  CHECK(l.executable("nginx").members == 3);
  CHECK(l.executable("nginx")[Gauge::rss_bytes] == 157);
  CHECK(l.executable("nginx")[Counter::system_time] == 3);
  CHECK(l.executable("bash").members == 1);
}

TEST_CASE("ledger: a control group is asked about once; one that cannot be told is asked about again") {
  Ledger l;
  l.places.of[10] = {"web.service", ""};
  for (int i = 0; i < 5; ++i) l.sweep(true, record(10, "a"), record(11, "a"), record(12, "a"));
  CHECK(l.places.asked == 1);
  l.sweep(false, record(20, "b"));
  l.sweep(false, record(20, "b"));
  CHECK(l.places.asked == 3);
  l.places.of[20] = {"late.service", ""};
  l.sweep(false, record(20, "b", 0, 0, 9));
  l.sweep(false, record(20, "b", 0, 0, 9));
  CHECK(l.places.asked == 4);
  CHECK(l.sums(GroupKind::unit, "late.service")[Gauge::rss_bytes] == 9);
  CHECK(l.executable("b").members == 1);
}

TEST_CASE("ledger: what a process used stays in the group's counters when it ends, what it held does not") {
  Ledger l;
  l.sweep(true, record(10, "a", 100, 50, 1000), record(11, "a", 10, 5, 500));
  l.sweep(true, record(11, "a", 20, 5, 600));
  CHECK(l.executable("a").members == 1);
  CHECK(l.executable("a")[Counter::user_time] == 120);
  CHECK(l.executable("a")[Counter::system_time] == 55);
  CHECK(l.executable("a")[Gauge::rss_bytes] == 600);
  CHECK(l.ledger.followed() == 1);
  l.sweep(true);
  CHECK(l.ledger.followed() == 0);
  CHECK(l.executable("a").members == 0);
  CHECK(l.executable("a")[Counter::user_time] == 120);
}

TEST_CASE("ledger: who is not told of lives on, unless the sweep was complete") {
  Ledger l;
  l.sweep(true, record(10, "a"), record(11, "a"), record(12, "a"));
  l.sweep(false, record(10, "a"));
  CHECK(l.ledger.followed() == 3);
  l.ledger.begin(at_second(200));
  l.ledger.alive(11);
  l.ledger.alive(99);
  l.ledger.process(record(12, "a"));
  l.ledger.end(true);
  CHECK(l.ledger.followed() == 2);
  CHECK(l.executable("a").members == 2);
}

TEST_CASE("ledger: what was used before we looked is not counted, what a new process used is") {
  Ledger l;
  l.sweep(true, record(10, "old", 5000, 5000, 1, 50));
  CHECK(l.executable("old")[Counter::user_time] == 0);
  CHECK((l.executable("old").told & bit(Counter::user_time)) != 0);
  l.sweep(false, record(10, "old", 5007, 5001, 1, 50), record(20, "new", 30, 3, 1, 102));
  CHECK(l.executable("old")[Counter::user_time] == 7);
  CHECK(l.executable("old")[Counter::system_time] == 1);
  CHECK(l.executable("new")[Counter::user_time] == 30);
}

TEST_CASE("ledger: a counter that becomes known later makes no jump, one that is unknown again makes no fall") {
  Ledger l;
  auto partly = record(10, "a", 1, 0, 1, 50);
  partly.known &= ~(bit(Counter::read_bytes) | bit(Gauge::descriptors));
  l.sweep(true, partly);
  CHECK((l.executable("a").told & bit(Counter::read_bytes)) == 0);
  CHECK((l.executable("a").told & bit(Gauge::descriptors)) == 0);
  auto wholly = record(10, "a", 1, 0, 1, 50);
  wholly[Counter::read_bytes] = 1'000'000;
  wholly[Gauge::descriptors] = 9;
  l.sweep(true, wholly);
  CHECK(l.executable("a")[Counter::read_bytes] == 0);
  CHECK(l.executable("a")[Gauge::descriptors] == 9);
  l.sweep(true, partly);
  CHECK(l.executable("a")[Gauge::descriptors] == 9);
  wholly[Counter::read_bytes] = 1'000'400;
  l.sweep(true, wholly);
  CHECK(l.executable("a")[Counter::read_bytes] == 400);
}

TEST_CASE("ledger: a pid that is used again is another process") {
  Ledger l;
  l.sweep(true, record(10, "a", 100, 0, 10, 101));
  l.sweep(false, record(10, "b", 5, 0, 20, 105));
  CHECK(l.ledger.followed() == 1);
  CHECK(l.executable("a").members == 0);
  CHECK(l.executable("a")[Gauge::rss_bytes] == 0);
  CHECK(l.executable("a")[Counter::user_time] == 100);
  CHECK(l.executable("b")[Counter::user_time] == 5);
  CHECK(l.executable("b")[Gauge::rss_bytes] == 20);
}

TEST_CASE("ledger: a process that becomes another program, or moves, takes along what it holds") {
  Ledger l;
  l.places.of[10] = {"one.service", ""};
  l.sweep(true, record(10, "sh", 100, 0, 10));
  auto moved = record(10, "java", 150, 0, 4000);
  moved.group = 77;
  l.places.of[10] = {"two.service", ""};
  l.sweep(false, moved);
  CHECK(l.executable("sh").members == 0);
  CHECK(l.executable("sh")[Gauge::rss_bytes] == 0);
  CHECK(l.executable("sh")[Gauge::threads] == 0);
  CHECK(l.executable("sh")[Counter::user_time] == 100);
  CHECK(l.executable("java")[Counter::user_time] == 50);
  CHECK(l.executable("java")[Gauge::rss_bytes] == 4000);
  CHECK(l.executable("java")[Gauge::threads] == 1);
  CHECK(l.sums(GroupKind::unit, "one.service").members == 0);
  CHECK(l.sums(GroupKind::unit, "two.service").members == 1);
}

TEST_CASE("ledger: a sum that is short for a moment is made good and not counted twice") {
  Ledger l;
  l.sweep(true, record(10, "a", 100, 100));
  l.sweep(true, record(10, "a", 60, 90));
  CHECK(l.executable("a")[Counter::user_time] == 100);
  l.sweep(true, record(10, "a", 110, 105));
  CHECK(l.executable("a")[Counter::user_time] == 110);
  CHECK(l.executable("a")[Counter::system_time] == 105);
}

TEST_CASE("ledger: neither part of the CPU time falls when the split moves, and their sum stays the sum") {
  Ledger l;
  std::uint64_t last_user = 0, last_system = 0;
  std::uint32_t random = 1;
  for (std::uint64_t sum = 100; sum < 20000; sum += 37) {
    random = random * 1664525 + 1013904223;
    const std::uint64_t user = sum * (random >> 24) / 256;
    l.sweep(true, record(10, "a", user, sum - user));
    const Sums& sums = l.executable("a");
    CHECK(sums[Counter::user_time] >= last_user);
    CHECK(sums[Counter::system_time] >= last_system);
    CHECK(sums[Counter::user_time] + sums[Counter::system_time] == sum);
    last_user = sums[Counter::user_time];
    last_system = sums[Counter::system_time];
  }
}

TEST_CASE("ledger: the delay of a thread goes with it, and only growth is counted") {
  Ledger l;
  auto r = record(10, "a");
  const auto delay = [&](std::uint64_t ns) {
    r[Counter::run_delay] = ns;
    l.sweep(true, r);
    return l.executable("a")[Counter::run_delay];
  };
  CHECK(delay(100) == 100);
  CHECK(delay(40) == 100);
  CHECK(delay(55) == 115);
}

TEST_CASE("ledger: kernel threads are one group, odd names are made printable") {
  Ledger l;
  auto worker = record(10, "kworker/0:1"), other = record(11, "kworker/1:1");
  worker.kernel = other.kernel = true;
  l.sweep(true, worker, other, record(20, "a\x1b[2Jb"), record(30, ""));
  CHECK(l.executable("(kernel)").members == 2);
  CHECK(l.executable("a?[2Jb").members == 1);
  CHECK(l.executable("(unnamed)").members == 1);
}

TEST_CASE("ledger: many come and go, and every one is found") {
  Ledger l;
  for (int round = 0; round < 30; ++round) {
    l.ledger.begin(at_second(1000 + round));
    for (std::uint32_t pid = 1; pid < 3000; ++pid) {
      if ((pid * 7 + round) % 3 != 0) l.ledger.process(record(pid, pid % 2 != 0 ? "odd" : "even", 1, 0, 10, 150));
    }
    l.ledger.end(true);
    CHECK(l.executable("odd").members + l.executable("even").members == l.ledger.followed());
    CHECK(l.executable("odd")[Gauge::rss_bytes] + l.executable("even")[Gauge::rss_bytes] == 10 * l.ledger.followed());
    CHECK(l.ledger.followed() >= 1990);
  }
}

TEST_CASE("ledger: past the bound processes are counted and not followed") {
  Ledger l;
  l.ledger.begin(at_second(1000));
  for (std::uint32_t pid = 1; pid <= kMostFollowed + 10; ++pid) l.ledger.process(record(pid, "a"));
  l.ledger.end(true);
  CHECK(l.ledger.followed() == kMostFollowed);
  CHECK(l.ledger.not_followed() == 10);
  l.sweep(true, record(1, "a"));
  CHECK(l.ledger.followed() == 1);
  CHECK(l.ledger.not_followed() == 0);
}
