// SPDX-License-Identifier: Apache-2.0
#include "probes/service/unit_table.h"

#include <doctest/doctest.h>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::service;
using hostmedic::test::RecordingSink;

namespace {

constexpr MonoTime kNow = mono_from_ns(5'000'000'000);

ServiceFacts facts(std::string result, std::uint32_t restarts, std::uint32_t pid, std::int32_t status,
                   std::optional<std::string> policy = {}) {
  return {std::move(result), std::move(policy), "simple", restarts, pid, status};
}

}  // namespace

TEST_CASE("units found at start are told once their facts are known, failed ones first") {
  UnitTable table;
  RecordingSink sink;
  const std::vector<ListedUnit> listed = {{"a.service", "active", "running"},
                                          {"b.service", "failed", "failed"},
                                          {"c.service", "inactive", "dead"},
                                          {"d.socket", "active", "listening"}};
  table.on_list(listed, true, kNow, sink);
  CHECK(sink.told.empty());
  CHECK(table.next_question() == "b.service");
  CHECK(table.next_question() == "a.service");
  CHECK(table.next_question() == std::nullopt);

  table.on_facts("b.service", facts("exit-code", 2, 0, 3, "on-failure"), kNow, sink);
  REQUIRE(sink.told.size() == 1);
  CHECK(to_string(sink.told[0].about) == "service:b.service");
  CHECK(sink.told[0].get(attr::kUnitInitial) == "1");
  CHECK(sink.told[0].get(attr::kUnitActiveState) == "failed");
  CHECK(sink.told[0].get(attr::kUnitPreviousState) == "");
  CHECK(sink.told[0].get(attr::kUnitResult) == "exit-code");
  CHECK(sink.told[0].get(attr::kUnitRestarts) == "2");
  CHECK(sink.told[0].get(attr::kUnitRestartPolicy) == "on-failure");
  CHECK(sink.told[0].get(attr::kUnitExitCode) == "3");

  // No answer is not a reason to stay silent, but nothing is invented.
  table.on_facts("a.service", std::nullopt, kNow, sink);
  REQUIRE(sink.told.size() == 2);
  CHECK(sink.told[1].get(attr::kUnitActiveState) == "active");
  CHECK(sink.told[1].get(attr::kUnitResult) == "");
}

TEST_CASE("a failure of a known unit is told at once, complete, and once") {
  UnitTable table;
  RecordingSink sink;
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, true, kNow, sink);
  (void)table.next_question();
  table.on_facts("a.service", facts("success", 0, 41, 0, "no"), kNow, sink);
  sink.told.clear();

  table.on_service("a.service", facts("signal", 0, 0, 9), sink);
  table.on_unit("a.service", "failed", "failed", kNow, sink);
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].get(attr::kUnitPreviousState) == "active");
  CHECK(sink.told[0].get(attr::kUnitResult) == "signal");
  CHECK(sink.told[0].get(attr::kUnitExitCode) == "9");
  CHECK(sink.told[0].get(attr::kUnitMainPid) == "0");
  CHECK(sink.told[0].get(attr::kUnitRestartPolicy) == "no");
  CHECK(sink.told[0].event.at == kNow);
  CHECK(table.next_question() == std::nullopt);

  table.on_unit("a.service", "failed", "failed", kNow, sink);
  table.on_unit("a.service", "", "failed", kNow, sink);
  CHECK(sink.told.size() == 1);
}

TEST_CASE("a failure of a unit never seen is told at once and again when the rest is known") {
  UnitTable table;
  RecordingSink sink;
  table.on_list({}, true, kNow, sink);
  table.on_service("new.service", facts("exit-code", 0, 0, 1), sink);
  table.on_unit("new.service", "failed", "failed", kNow, sink);
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].get(attr::kUnitPreviousState) == "inactive");
  CHECK(sink.told[0].get(attr::kUnitRestartPolicy) == "");
  CHECK(table.next_question() == "new.service");
  CHECK(table.next_question() == std::nullopt);  // one question per unit until its answer

  table.on_facts("new.service", facts("exit-code", 0, 0, 1, "always"), kNow, sink);
  REQUIRE(sink.told.size() == 2);
  CHECK(sink.told[1].get(attr::kUnitActiveState) == "failed");
  CHECK(sink.told[1].get(attr::kUnitPreviousState) == "failed");
  CHECK(sink.told[1].get(attr::kUnitRestartPolicy) == "always");
}

TEST_CASE("a reload asks again, and tells of a policy that changed") {
  UnitTable table;
  RecordingSink sink;
  const std::vector<ListedUnit> listed = {{"a.service", "active", "running"}, {"gone.service", "failed", "failed"}};
  table.on_list(listed, true, kNow, sink);
  for (auto unit = table.next_question(); unit; unit = table.next_question()) {
    table.on_facts(*unit, facts("success", 0, 41, 0, "no"), kNow, sink);
  }
  sink.told.clear();

  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, false, kNow, sink);
  REQUIRE(sink.told.size() == 1);  // what is not loaded any more is at rest
  CHECK(to_string(sink.told[0].about) == "service:gone.service");
  CHECK(sink.told[0].get(attr::kUnitActiveState) == "inactive");
  CHECK(sink.told[0].get(attr::kUnitPreviousState) == "failed");

  CHECK(table.next_question() == "a.service");
  table.on_facts("a.service", facts("success", 0, 41, 0, "no"), kNow, sink);
  CHECK(sink.told.size() == 1);
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, false, kNow, sink);
  CHECK(table.next_question() == "a.service");
  table.on_facts("a.service", facts("success", 0, 41, 0, "always"), kNow, sink);
  REQUIRE(sink.told.size() == 2);
  CHECK(sink.told[1].get(attr::kUnitRestartPolicy) == "always");
}

TEST_CASE("an entity leaves with its unit, after the last event about it") {
  UnitTable table;
  RecordingSink sink;
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, true, kNow, sink);
  table.sample(kNow, sink);
  table.on_removed("a.service", kNow, sink);
  table.on_removed("a.service", kNow, sink);
  CHECK(table.size() == 0);
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].get(attr::kUnitActiveState) == "inactive");
  CHECK(sink.retired == std::vector<std::string>{"service:a.service"});
}

TEST_CASE("restarts are a counter, unknown without contact") {
  UnitTable table;
  RecordingSink sink;
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, true, kNow, sink);
  table.on_service("a.service", facts("success", 7, 41, 0), sink);
  table.sample(kNow, sink);
  const std::string key = "service:a.service hostmedic.service.restarts";
  CHECK(sink.values[key] == 7.0);

  table.lose_contact();
  table.sample(kNow, sink);
  CHECK(sink.values[key] == std::nullopt);

  // What changed meanwhile is a change; the rest is reported as found.
  table.on_list(std::vector<ListedUnit>{{"a.service", "failed", "failed"}}, true, kNow, sink);
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].get(attr::kUnitPreviousState) == "active");
  CHECK(sink.told[0].get(attr::kUnitInitial) == "");
}

TEST_CASE("the table has a bound, and a unit at rest makes room") {
  UnitTable table(2);
  RecordingSink sink;
  table.on_list(
      std::vector<ListedUnit>{
          {"a.service", "active", "running"}, {"b.service", "active", "running"}, {"c.service", "active", "running"}},
      true, kNow, sink);
  CHECK(table.size() == 2);
  CHECK(table.take_refused() == 1);
  CHECK(table.take_refused() == 0);
  table.on_unit("a.service", "inactive", "dead", kNow, sink);
  table.on_unit("d.service", "failed", "failed", kNow, sink);
  CHECK(table.size() == 2);
  CHECK(table.take_refused() == 0);
  CHECK(to_string(sink.told.back().about) == "service:d.service");
}

TEST_CASE("names that systemd would not use and units of our own orders are ignored") {
  UnitTable table;
  RecordingSink sink;
  table.on_unit("\x1b[31m.service", "failed", "failed", kNow, sink);
  table.on_unit("hostmedic-order-1.service", "activating", "start", kNow, sink);
  table.on_list(std::vector<ListedUnit>{{"hostmedic-order-2.service", "active", "running"}}, true, kNow, sink);
  table.on_service("x.mount", facts("exit-code", 0, 0, 1), sink);
  CHECK(table.size() == 0);
  CHECK(sink.told.empty());
}

TEST_CASE("a change of state that takes long is a series, the run of a oneshot is not") {
  UnitTable table;
  RecordingSink sink;
  const std::string key = "service:a.service hostmedic.service.transition.time";
  const auto after = [](int seconds) { return kNow + std::chrono::seconds(seconds); };
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}, {"once.service", "activating", "start"}},
                true, kNow, sink);
  table.on_facts("a.service", facts("success", 0, 41, 0, "no"), kNow, sink);
  table.on_facts("once.service", ServiceFacts{"success", "no", "oneshot", 0, 42, 0}, kNow, sink);
  table.sample(after(1), sink);
  CHECK(sink.values.count(key) == 0);
  table.on_unit("a.service", "reloading", "reload", after(1), sink);
  table.sample(after(4), sink);
  CHECK(sink.values[key] == 3.0);
  table.on_unit("a.service", "active", "running", after(5), sink);
  table.sample(after(6), sink);
  CHECK(sink.values[key] == 0.0);
  table.on_unit("a.service", "deactivating", "stop-sigterm", after(7), sink);
  table.sample(after(9), sink);
  CHECK(sink.values[key] == 2.0);
  table.on_unit("a.service", "activating", "auto-restart", after(9), sink);  // waits for its next try
  table.sample(after(99), sink);
  CHECK(sink.values[key] == 0.0);
  CHECK(sink.values.count("service:once.service hostmedic.service.transition.time") == 0);
  table.lose_contact();
  table.sample(after(100), sink);
  CHECK(sink.values[key] == std::nullopt);
}

TEST_CASE("a unit is up from its start to its end, reloads included") {
  UnitTable table;
  RecordingSink sink;
  const std::string key = "service:a.service hostmedic.service.uptime";
  const auto after = [](int seconds) { return kNow + std::chrono::seconds(seconds); };
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, true, kNow, sink);
  table.sample(after(2), sink);
  CHECK(sink.values[key] == 2.0);
  table.on_unit("a.service", "reloading", "reload", after(3), sink);
  table.sample(after(4), sink);
  CHECK(sink.values[key] == 4.0);
  table.on_unit("a.service", "active", "running", after(5), sink);
  table.sample(after(6), sink);
  CHECK(sink.values[key] == 6.0);
  table.on_unit("a.service", "deactivating", "stop-sigterm", after(7), sink);
  table.sample(after(8), sink);
  CHECK(sink.values[key] == 0.0);
  table.on_unit("a.service", "activating", "start", after(9), sink);
  table.on_unit("a.service", "active", "running", after(10), sink);
  table.sample(after(11), sink);
  CHECK(sink.values[key] == 1.0);
}

TEST_CASE("how long a job runs, and how long it usually does") {
  UnitTable table;
  RecordingSink sink;
  const std::string run = "service:job.service hostmedic.service.run.time";
  const std::string usual = "service:job.service hostmedic.service.run.usual";
  const auto after = [](double seconds) { return kNow + std::chrono::milliseconds(static_cast<int>(seconds * 1000)); };
  table.on_unit("job.service", "activating", "start", kNow, sink);
  table.on_facts("job.service", ServiceFacts{"success", "no", "oneshot", 0, 42, 0}, kNow, sink);
  table.on_unit("job.service", "inactive", "dead", after(2), sink);
  for (const int begin : {10, 20}) {
    table.on_unit("job.service", "activating", "start", after(begin), sink);
    table.sample(after(begin + 1), sink);
    CHECK(sink.values[run] == 1.0);
    CHECK(sink.values.count(usual) == 0);
    table.on_unit("job.service", "inactive", "dead", after(begin + 4), sink);
    table.sample(after(begin + 5), sink);
    CHECK(sink.values[run] == 0.0);
  }
  CHECK(sink.values[usual] == 4.0);
  table.on_unit("job.service", "activating", "start", after(30), sink);
  table.on_unit("job.service", "failed", "failed", after(90), sink);  // says nothing of how long a good one takes
  table.sample(after(91), sink);
  CHECK(sink.values[usual] == 4.0);
}

TEST_CASE("a watchdog that ran out is the result of the change of state, also when systemd restarts the unit") {
  UnitTable table;
  RecordingSink sink;
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, true, kNow, sink);
  table.on_facts("a.service", facts("success", 0, 41, 0, "always"), kNow, sink);
  sink.told.clear();
  table.on_service("a.service", facts("watchdog", 0, 41, 0), sink);
  table.on_unit("a.service", "deactivating", "stop-watchdog", kNow, sink);
  table.on_service("a.service", facts("watchdog", 0, 0, 6), sink);
  table.on_unit("a.service", "activating", "auto-restart", kNow, sink);
  REQUIRE(sink.told.size() == 2);
  CHECK(sink.told[0].get(attr::kUnitResult) == "watchdog");
  CHECK(sink.told[1].get(attr::kUnitResult) == "watchdog");
  CHECK(sink.told[1].get(attr::kUnitExitCode) == "6");
}

TEST_CASE("what the manager allows a running unit is told, and nothing where it allows all") {
  UnitTable table;
  RecordingSink sink;
  table.on_list(std::vector<ListedUnit>{{"a.service", "active", "running"}}, true, kNow, sink);
  (void)table.next_question();
  ServiceFacts known = facts("success", 0, 41, 0, "no");
  known.most_tasks = UINT64_MAX;
  known.most_descriptors = 1024;
  table.on_facts("a.service", known, kNow, sink);
  table.sample(kNow, sink);
  CHECK(sink.values.at("service:a.service hostmedic.limit.maximum{resource=descriptors}") == 1024.0);
  CHECK_FALSE(sink.values.contains("service:a.service hostmedic.limit.maximum{resource=threads}"));
}
