// SPDX-License-Identifier: Apache-2.0
// Failures of other healers that need the whole loop, or the units that keep it alive (see actions/stories_test.cpp
// for the list).
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/base/parse.h"
#include "agent/pipeline/pipeline.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using test::Stream;

namespace {

struct Output final : PipelineOutput {
  std::vector<Order> orders;
  int told = 0;
  void persist(const Incident&) override {}
  void submit(const Order& order) override { orders.push_back(order); }
  void notify(const Incident&, const std::string&) override { ++told; }
};

std::vector<Runbook> runbooks() {
  Step step;
  step.action = "service.restart";
  step.verify.subject = Check::Subject::unit_active;
  Runbook runbook;
  runbook.name = "service-restart";
  runbook.kinds = {"service.failed"};
  runbook.steps = {step};
  return {runbook};
}

guard::Policy policy() {
  guard::Policy policy;
  policy.tier = Tier::automatic;
  policy.boot_grace = {};
  return policy;
}

// A host with a database, an application that needs it, and something else.
struct Host {
  Output output;
  Pipeline pipeline{test::engine_of(), runbooks(), policy(), output};
  Stream stream;
  EntityId db = stream.entity(EntityKind::service, "db.service");
  EntityId app = stream.entity(EntityKind::service, "app.service");
  EntityId other = stream.entity(EntityKind::service, "other.service");
  double second = 1000;

  Host() {
    stream.event(EventKind::relation, app,
                 {{attr::kRelationType, "requires"},
                  {attr::kRelationTarget, "service:db.service"},
                  {attr::kRelationState, "present"}});
    ticks(5);
  }
  void tell(EntityId unit, std::string_view state) {
    stream.event(EventKind::unit_state, unit,
                 {{attr::kUnitActiveState, state}, {attr::kUnitRestartPolicy, "no"}, {attr::kUnitResult, "signal"}});
    pipeline.frame(stream.cut(second += 0.1));
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) pipeline.frame(stream.cut(second += 1));
  }
  void done() {
    Outcome outcome;
    outcome.key = output.orders.back().key;
    outcome.result = OutcomeResult::done;
    pipeline.outcome(outcome, {test::at_s(second), wall_from_ns(Stream::kEpochNs + to_ns(test::at_s(second)))});
  }
  // The database falls, is restarted, and that is proved.
  void treat_db() {
    tell(db, "failed");
    REQUIRE(output.orders.size() == 1);
    tell(db, "active");
    done();
    ticks(8);
  }
  long orders_on(std::string_view unit) const {
    return std::ranges::count_if(output.orders, [&](const Order& order) { return order.plan.target.name == unit; });
  }
  bool says(std::string_view unit, std::string_view rule, std::string_view text) const {
    for (const auto& [id, incident] : pipeline.incidents())
      for (const TimelineEntry& entry : incident.timeline)
        for (const Attribute& answer : entry.attributes)
          if (incident.root.name == unit && answer.key == rule && answer.value.find(text) != std::string::npos)
            return true;
    return false;
  }
};

}  // namespace

TEST_CASE("story 25: what our own action stirs up is labelled, and not acted on until it has settled") {
  Host host;
  host.treat_db();
  host.tell(host.app, "failed");
  host.ticks(45);
  CHECK(host.orders_on("app.service") == 0);
  CHECK(host.says("app.service", "self-inflicted", "our own doing: service.restart on service:db.service"));
  host.ticks(10);
  CHECK(host.orders_on("app.service") == 1);  // it did not settle by itself

  Host apart;
  apart.treat_db();
  apart.tell(apart.other, "failed");
  CHECK(apart.orders_on("other.service") == 1);  // nothing ties it to the database
}

TEST_CASE("story 25: two services whose restarts make each other fall do not keep the hand busy for ever") {
  Host host;
  for (int round = 0; round < 400; ++round) {
    const EntityId unit = round % 2 == 0 ? host.db : host.app;
    const std::size_t before = host.output.orders.size();
    host.tell(unit, "failed");
    host.ticks(2);
    if (host.output.orders.size() > before) host.done();
    host.tell(unit, "active");
    host.ticks(6);
  }
  CHECK(host.output.orders.size() <= 6);  // three on each in an hour
  CHECK(host.pipeline.incidents().size() <= 4);
}

TEST_CASE("story 28: an incident's name comes from what it is, so a second look at the same is no second incident") {
  Host first, second;
  first.tell(first.db, "failed");
  second.tell(second.db, "failed");
  REQUIRE(first.pipeline.incidents().size() == 1);
  CHECK(first.pipeline.incidents().begin()->first == second.pipeline.incidents().begin()->first);

  const Incident stored = first.pipeline.incidents().begin()->second;
  Host after;
  after.second = first.second + 5;
  after.pipeline.restore(stored, {{first.output.orders.at(0), {}}}, {});
  after.tell(after.db, "failed");
  after.ticks(10);
  CHECK(after.pipeline.incidents().size() == 1);
  CHECK(after.pipeline.incidents().begin()->first == stored.id);
  CHECK(after.output.told == 0);
}

TEST_CASE("story 29: every part that runs for long is watched, and started again when it hangs or dies") {
  const std::filesystem::path units = std::filesystem::path(HM_SHIPPED).parent_path() / "systemd";
  int watched = 0;
  for (const auto& entry : std::filesystem::directory_iterator(units)) {
    if (entry.path().extension() != ".service" || entry.path().stem().string().ends_with("@")) continue;
    CAPTURE(entry.path().string());
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string unit = text.str();
    CHECK(unit.find("\nType=notify\n") != std::string::npos);
    CHECK(unit.find("\nRestart=on-failure\n") != std::string::npos);
    const std::size_t at = unit.find("\nWatchdogSec=");
    REQUIRE(at != std::string::npos);
    const auto seconds = parse_u64(unit.substr(at + 13, unit.find('\n', at + 1) - at - 13));
    REQUIRE(seconds);
    CHECK(*seconds > 0);
    CHECK(*seconds <= 60);
    ++watched;
  }
  CHECK(watched >= 4);
}
