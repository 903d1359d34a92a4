// SPDX-License-Identifier: Apache-2.0
#include "probes/service/timer_table.h"

#include <doctest/doctest.h>

#include "detect/model/names.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::service;
using hostmedic::test::RecordingSink;

namespace {

constexpr MonoTime kNow = mono_from_ns(5'000'000'000);
constexpr std::uint64_t kSecond = 1'000'000, kNone = ~std::uint64_t{0};
constexpr TimerClock kClock{1'800'000'000 * kSecond, 90'000 * kSecond};

TimerFacts due(std::uint64_t realtime_us, std::uint64_t monotonic_us, std::uint64_t accuracy_us = 60 * kSecond) {
  return {"backup.service", realtime_us, monotonic_us, 0, accuracy_us};
}

// A timer that waits, with these facts, after a look at the clock and the answer to the question that follows.
struct Setting {
  explicit Setting(const TimerFacts& facts, const char* sub = "waiting") {
    table.on_list(std::vector<ListedUnit>{{"backup.timer", "active", sub}}, true, kNow, sink);
    REQUIRE(table.next_question() == "backup.timer");
    table.on_facts("backup.timer", TimerFacts{}, kClock, kNow, sink);
    table.on_timer("backup.timer", facts);
    table.check(kClock);
  }
  TimerTable table;
  RecordingSink sink;
};

}  // namespace

TEST_CASE("a timer whose time passed is asked about, then told, once") {
  const TimerFacts missed = due(kClock.realtime_us - 200 * kSecond, kNone);
  Setting host(missed);
  CHECK(host.sink.told.empty());
  REQUIRE(host.table.next_question() == "backup.timer");
  host.table.check(kClock);
  CHECK(host.table.next_question() == std::nullopt);  // one question until its answer
  host.table.on_facts("backup.timer", missed, kClock, kNow, host.sink);
  REQUIRE(host.sink.told.size() == 1);
  CHECK(to_string(host.sink.told[0].about) == "service:backup.timer");
  CHECK(host.sink.told[0].get(attr::kJobType) == "timer");
  CHECK(host.sink.told[0].get(attr::kJobResult) == "overdue");
  CHECK(host.sink.told[0].get(attr::kJobOverdue) == "200");
  CHECK(host.sink.told[0].get(attr::kJobTriggers) == "backup.service");
  CHECK(host.sink.retired == std::vector<std::string>{"service:backup.timer"});
  host.table.check(kClock);
  CHECK(host.table.next_question() == std::nullopt);
}

TEST_CASE("a signal that was lost does not make a missed run") {
  Setting host(due(kClock.realtime_us - 200 * kSecond, kNone));
  REQUIRE(host.table.next_question() == "backup.timer");
  host.table.on_facts("backup.timer", due(kClock.realtime_us + 3600 * kSecond, kNone), kClock, kNow, host.sink);
  CHECK(host.sink.told.empty());
}

TEST_CASE("what is not late: within accuracy, in the future, without a next time, or under way") {
  struct Row {
    const char* what;
    TimerFacts facts;
    const char* sub;
  };
  const Row rows[] = {
      {"within accuracy and grace", due(kClock.realtime_us - 119 * kSecond, kNone), "waiting"},
      {"in the future", due(kClock.realtime_us + kSecond, kClock.monotonic_us + kSecond), "waiting"},
      {"no next time", due(kNone, kNone), "waiting"},
      {"zero", due(0, 0), "waiting"},
      {"its unit runs", due(kClock.realtime_us - 9999 * kSecond, kNone), "running"},
      {"elapsed for good", due(0, kClock.monotonic_us - 9999 * kSecond), "elapsed"},
      {"nothing known", TimerFacts{}, "waiting"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Setting host(row.facts, row.sub);
    CHECK(host.table.next_question() == std::nullopt);
  }
}

TEST_CASE("the monotonic clock counts too, and a coarse accuracy is kept") {
  Setting late(due(0, kClock.monotonic_us - 121 * kSecond));
  CHECK(late.table.next_question() == "backup.timer");
  Setting coarse(due(kClock.realtime_us - 3600 * kSecond, kNone, 86400 * kSecond));
  CHECK(coarse.table.next_question() == std::nullopt);
}

TEST_CASE("a timer that fails will start nothing: told when it happens and when found") {
  TimerTable table;
  RecordingSink sink;
  table.on_list(std::vector<ListedUnit>{{"old.timer", "failed", "failed"}, {"idle.timer", "inactive", "dead"}}, true,
                kNow, sink);
  REQUIRE(sink.told.size() == 1);
  CHECK(to_string(sink.told[0].about) == "service:old.timer");
  CHECK(sink.told[0].get(attr::kJobResult) == "failed");
  CHECK(table.size() == 1);
  table.on_unit("new.timer", "active", "waiting", kNow, sink);
  table.on_unit("new.timer", "failed", "failed", kNow, sink);
  table.on_unit("new.timer", "failed", "failed", kNow, sink);
  CHECK(sink.told.size() == 2);
  table.on_unit("x.service", "failed", "failed", kNow, sink);
  CHECK(sink.told.size() == 2);
}

TEST_CASE("the table of timers has a bound, and forgets what is gone") {
  TimerTable table(2);
  RecordingSink sink;
  const std::vector<ListedUnit> listed = {
      {"a.timer", "active", "waiting"}, {"b.timer", "active", "waiting"}, {"c.timer", "active", "waiting"}};
  table.on_list(listed, true, kNow, sink);
  CHECK(table.size() == 2);
  CHECK(table.take_refused() == 1);
  table.on_removed("a.timer");
  table.on_list(std::vector<ListedUnit>{{"c.timer", "active", "waiting"}}, false, kNow, sink);
  CHECK(table.size() == 1);
  table.on_facts("a.timer", due(1, 1), kClock, kNow, sink);
  CHECK(sink.told.empty());
}
