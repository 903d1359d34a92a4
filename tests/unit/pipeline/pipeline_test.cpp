// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/pipeline.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "detect/model/names_check.h"
#include "detect/model/names_service.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using test::Stream;

namespace {

// Keeps what the pipeline asked for, in order.
struct Output final : PipelineOutput {
  std::vector<std::string> calls;
  std::vector<Order> orders;
  Incident last;
  void persist(const Incident& incident) override {
    calls.push_back("persist");
    last = incident;
  }
  void submit(const Order& order) override {
    calls.push_back("submit");
    orders.push_back(order);
  }
  void notify(const Incident&, const std::string&) override { calls.push_back("notify"); }
  void ask_lease(const Order&) override { ++leases_asked; }
  int leases_asked = 0;
};

Runbook restart_runbook() {
  Step step;
  step.action = "service.restart";
  step.verify.subject = Check::Subject::unit_active;
  Runbook runbook;
  runbook.name = "service-restart";
  runbook.kinds = {"service.failed"};
  runbook.steps = {step};
  return runbook;
}

guard::Policy automatic() {
  guard::Policy policy;
  policy.tier = Tier::automatic;
  policy.boot_grace = {};
  return policy;
}

struct Host {
  Output output;
  Pipeline pipeline{test::engine_of(), {restart_runbook()}, automatic(), output};
  Stream stream;
  EntityId nginx = stream.entity(EntityKind::service, "nginx.service");
  double second = 1000;

  void tell(std::string_view state) {
    stream.event(EventKind::unit_state, nginx,
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
    pipeline.outcome(outcome, {mono_from_ns(static_cast<std::int64_t>(second * 1e9)), output.last.opened_at});
  }
};

}  // namespace

TEST_CASE("the incident is written before the order is handed over, and an order is given once") {
  Host host;
  host.ticks(2);
  host.tell("failed");
  REQUIRE(host.output.orders.size() == 1);
  CHECK(host.output.orders[0].plan.action == "service.restart");
  const auto submitted = std::ranges::find(host.output.calls, "submit");
  CHECK(std::ranges::find(host.output.calls, "persist") < submitted);
  CHECK(host.output.last.state == IncidentState::acting);
  host.ticks(5);
  CHECK(host.output.orders.size() == 1);
}

TEST_CASE("a proved treatment resolves the incident") {
  Host host;
  host.ticks(2);
  host.tell("failed");
  REQUIRE(host.output.orders.size() == 1);
  host.tell("active");
  host.done();
  host.ticks(5);
  CHECK(host.output.last.state == IncidentState::resolved);
  CHECK(host.output.last.closed_at);
}

TEST_CASE("the kill switch keeps every order back and its release lets the waiting one go") {
  Host host;
  Brakes brakes;
  brakes.halted = true;
  brakes.halted_by = "uid 0 (root)";
  host.pipeline.set_brakes(brakes);
  host.ticks(2);
  host.tell("failed");
  host.ticks(3);
  CHECK(host.output.orders.empty());
  CHECK(host.pipeline.incidents().size() == 1);
  host.pipeline.set_brakes({});
  host.ticks(2);
  CHECK(host.output.orders.size() == 1);
}

TEST_CASE("where the policy wants the fleet's leave, it is asked for, waited for, and used up") {
  guard::Policy policy = automatic();
  policy.need_lease = true;
  Host host;
  host.pipeline.reconfigure(nullptr, {restart_runbook()}, policy);
  const auto now = [&] {
    return Now{mono_from_ns(static_cast<std::int64_t>(host.second * 1e9)), host.output.last.opened_at};
  };
  host.ticks(2);
  CHECK(host.output.leases_asked == 0);
  host.tell("failed");
  const int asked = host.output.leases_asked;
  CHECK(asked > 0);
  CHECK(host.output.orders.empty());
  host.pipeline.lease({false, {}, "1 of 1 hosts at work: web2"}, now());
  host.ticks(2);
  CHECK(host.output.leases_asked > asked);
  CHECK(host.output.orders.empty());
  const auto& timeline = host.output.last.timeline;
  CHECK(std::ranges::any_of(timeline,
                            [](const TimelineEntry& entry) { return entry.text.find("web2") != std::string::npos; }));
  host.pipeline.lease({true, std::chrono::minutes(3), "0 of 1 hosts at work"}, now());
  CHECK(host.output.orders.size() == 1);
  CHECK(host.pipeline.at_work());

  SUBCASE("what was given back counts no more") {
    host.pipeline.lease({true, {}, "given back"}, now());
    Outcome outcome;
    outcome.key = host.output.orders.back().key;
    outcome.result = OutcomeResult::interrupted;
    host.pipeline.outcome(outcome, now());
    host.ticks(120);
    CHECK(host.output.orders.size() == 1);
  }
  SUBCASE("a snapshot knows it") {
    const auto snapshot = host.pipeline.snapshot();
    REQUIRE(snapshot);
    Output other;
    Pipeline twin(test::engine_of(), {restart_runbook()}, policy, other);
    REQUIRE(twin.restore_snapshot(*snapshot));
    CHECK(*twin.snapshot() == *snapshot);
  }
}

TEST_CASE("silence of the probe proves nothing") {
  Host host;
  host.ticks(2);
  host.tell("failed");
  REQUIRE(host.output.orders.size() == 1);
  host.tell("active");
  host.done();
  const WallTime wall = host.output.last.opened_at;
  for (int i = 1; i <= 60; ++i)
    host.pipeline.silence(
        {mono_from_ns(static_cast<std::int64_t>((host.second + i) * 1e9)), wall + std::chrono::seconds(i)});
  CHECK(host.output.last.state != IncidentState::resolved);
}

namespace {

// A service with a web page: what the kernel sees of its requests, and a check that asks.
struct WebHost {
  Output output;
  Stream stream;
  EntityId shop = stream.entity(EntityKind::service, "shop.service");
  SeriesId up = stream.series(shop, metric::kCheckUp, "check.id=shop");
  SeriesId failures = stream.series(shop, metric::kCheckFailures, "check.id=shop");
  SeriesId begun = stream.series(shop, metric::kHttpRequestsBegun, "network.local.port=80");
  SeriesId good = stream.series(shop, metric::kHttpRequests, "http.response.status_code=2xx,network.local.port=80");
  SeriesId bad = stream.series(shop, metric::kHttpRequests, "http.response.status_code=5xx,network.local.port=80");
  SeriesId uptime = stream.series(shop, metric::kServiceUptime);
  SeriesId cpu = stream.series(shop, metric::kServiceCpuTime);
  Pipeline pipeline;
  double second = 1000, is_up = 0, asked = 0, well = 0, failed = 0, computes = 0.05, computed = 0, down = 0;

  explicit WebHost(std::string_view kind) : pipeline(test::engine_of(), {runbook(kind)}, automatic(), output) {
    stream.event(EventKind::unit_state, shop, {{attr::kUnitActiveState, "active"}, {attr::kUnitInitial, "1"}});
  }
  static Runbook runbook(std::string_view kind) {
    Runbook made = restart_runbook();
    made.kinds = {std::string(kind)};
    made.steps[0].params = {{"active", "restart"}};
    return made;
  }
  void run(int seconds, bool check, int answers, int errors) {
    for (int i = 0; i < seconds; ++i) {
      asked += 5;
      well += answers;
      failed += errors;
      down = check ? 0 : down + 1;
      stream.sample(up, check ? 1 : 0)
          .sample(failures, down)
          .sample(begun, asked)
          .sample(good, well)
          .sample(bad, failed);
      stream.sample(uptime, is_up += 1).sample(cpu, computed += computes);
      pipeline.frame(stream.cut(second += 1));
    }
  }
};

}  // namespace

TEST_CASE("a service that runs and answers nobody is told in seconds, and restarted though it is active") {
  WebHost host("service.hung");
  host.run(60, true, 5, 0);
  host.run(4, false, 0, 0);
  CHECK(host.output.last.kind == "service.hung");
  REQUIRE(host.output.orders.size() == 1);
  CHECK(host.output.orders[0].plan.get("active") == "restart");
}

TEST_CASE("a service that computes and does not answer gets some seconds more") {
  WebHost host("service.hung");
  host.run(60, true, 5, 0);
  host.computes = 0.9;
  host.run(4, false, 0, 0);
  CHECK(host.pipeline.incidents().empty());
  host.run(2, false, 0, 0);
  CHECK(host.output.orders.size() == 1);
}

TEST_CASE("a service that answers with nothing but errors is told in seconds") {
  WebHost host("http.errors");
  host.run(60, true, 5, 0);
  host.run(4, false, 0, 5);
  CHECK(host.output.last.kind == "http.errors");
  CHECK(host.output.orders.size() == 1);
}

TEST_CASE("one failed check and one second of errors are not acted on, however often; two in a row are told at once") {
  WebHost host("http.errors");
  host.run(60, true, 5, 0);
  for (int i = 0; i < 10; ++i) {
    host.run(1, false, 0, 5);
    host.run(3, true, 5, 0);
  }
  CHECK(host.pipeline.incidents().empty());
  host.run(2, false, 0, 5);
  CHECK(host.output.last.kind == "http.errors");
}

TEST_CASE("what has just been started may warm up") {
  for (const int errors : {0, 5}) {
    WebHost host("service.hung");
    host.run(60, true, 5, 0);
    host.is_up = 0;
    host.run(12, false, 0, errors);
    host.run(10, true, 5, 0);
    CHECK(host.pipeline.incidents().empty());
  }
}

TEST_CASE("requests without answers are no fault by themselves, nor is a check that fails beside them") {
  WebHost slow("service.hung");
  slow.run(60, true, 5, 0);
  slow.run(10, true, 0, 0);
  CHECK(slow.output.orders.empty());
  WebHost refused("service.hung");
  refused.run(60, true, 5, 0);
  refused.run(10, false, 5, 0);
  CHECK(refused.output.orders.empty());
}

TEST_CASE("an incident from the store goes on under its id") {
  Host before;
  before.ticks(2);
  before.tell("failed");
  const Incident stored = before.output.last;
  Host after;
  after.second = before.second + 5;
  after.pipeline.restore(stored, {{before.output.orders.at(0), {}}}, {});
  after.tell("failed");
  after.ticks(2);
  REQUIRE(after.pipeline.incidents().size() == 1);
  CHECK(after.pipeline.incidents().begin()->first == stored.id);
}

TEST_CASE("200 failures in a minute are one systemic incident and one page, and the hand is held after the first two") {
  Output output;
  guard::Policy policy = automatic();
  policy.per_host = {1000, std::chrono::hours(1)};
  policy.per_runbook = policy.per_host;
  Pipeline pipeline(test::engine_of(), {restart_runbook()}, policy, output);
  Stream stream;
  std::vector<EntityId> units;
  for (int i = 0; i < 200; ++i)
    units.push_back(stream.entity(EntityKind::service, "s" + std::to_string(i) + ".service"));
  double second = 1000;
  for (const EntityId unit : units) {
    stream.event(EventKind::unit_state, unit,
                 {{attr::kUnitActiveState, "failed"}, {attr::kUnitRestartPolicy, "no"}, {attr::kUnitResult, "signal"}});
    pipeline.frame(stream.cut(second += 0.3));
  }
  for (int i = 0; i < 120; ++i) pipeline.frame(stream.cut(second += 1));
  CHECK(std::ranges::count(output.calls, "notify") == 1);
  CHECK(output.orders.size() == 2);
  int standing = 0;
  for (const auto& [id, incident] : pipeline.incidents())
    if (!incident.closed_at) standing += incident.kind == "systemic" ? 1 : 100;
  // The two that were acted on are seen to the end of their orders, which nobody answers here.
  CHECK(standing % 100 == 1);
  CHECK(standing / 100 <= 2);
}

TEST_CASE("in a storm the runbooks that the policy names go on") {
  Output output;
  guard::Policy policy = automatic();
  policy.storm_runbooks = {"service-*"};
  policy.per_host = policy.per_runbook = {1000, std::chrono::hours(1)};
  Pipeline pipeline(test::engine_of(), {restart_runbook()}, policy, output);
  Stream stream;
  double second = 1000;
  for (int i = 0; i < 8; ++i) {
    const EntityId unit = stream.entity(EntityKind::service, "s" + std::to_string(i) + ".service");
    stream.event(EventKind::unit_state, unit,
                 {{attr::kUnitActiveState, "failed"}, {attr::kUnitRestartPolicy, "no"}, {attr::kUnitResult, "signal"}});
    pipeline.frame(stream.cut(second += 0.3));
  }
  CHECK(output.orders.size() == 8);
}

TEST_CASE("what a runbook would do is told with every rule, and asking changes nothing") {
  Host host;
  Brakes brakes;
  brakes.halted = true;
  host.pipeline.set_brakes(brakes);
  host.ticks(2);
  host.tell("failed");
  REQUIRE(host.pipeline.incidents().size() == 1);
  const Incident& incident = host.pipeline.incidents().begin()->second;
  Runbook asked = restart_runbook();
  asked.when = "known(system.uptime@host)";
  asked.requirements = {{"system.uptime@host > 10m for 1m", "the boot"}};
  asked.steps.push_back(asked.steps[0]);
  asked.steps[1].action = "log.rotate";
  const std::string before = *host.pipeline.snapshot();
  const Rehearsal told = host.pipeline.rehearse(asked, incident);
  CHECK(*host.pipeline.snapshot() == before);
  CHECK(told.unfit.empty());
  REQUIRE(told.when.size() == 1);
  CHECK(told.when[0].holds == false);
  REQUIRE(told.requirements.size() == 1);
  CHECK_FALSE(told.requirements[0].holds.has_value());
  CHECK(told.requirements[0].text.find("not known") != std::string::npos);
  REQUIRE(told.steps.size() == 2);
  REQUIRE(told.steps[0].order);
  CHECK(told.steps[0].order->plan.command == "systemctl restart nginx.service");
  CHECK(told.steps[0].verdict.decision == Decision::deny);
  CHECK(told.steps[0].verdict.answers.size() == guard::rules().size());
  CHECK_FALSE(told.steps[1].order);
  CHECK_FALSE(told.steps[1].no_plan.empty());
  CHECK(host.output.orders.empty());
  asked.kinds = {"disk.full"};
  CHECK(host.pipeline.rehearse(asked, incident).unfit == "it does not treat incidents of the kind service.failed");
}
