// SPDX-License-Identifier: Apache-2.0
#include "actions/response.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;
using guard::TargetState;

namespace {

Step step(const std::string& action, Check::Subject subject, OnFailure on_failure) {
  Step made;
  made.action = action;
  made.verify.subject = subject;
  made.verify.settle = 1s;
  made.verify.within = 15s;
  made.on_failure = on_failure;
  return made;
}

Runbook restart_runbook() {
  Runbook runbook;
  runbook.name = "service-restart";
  runbook.kinds = {"service.failed", "service.crash_looping"};
  runbook.steps = {step("service.restart", Check::Subject::unit_active, OnFailure::escalate)};
  return runbook;
}

Runbook logs_runbook() {
  Runbook runbook;
  runbook.name = "filesystem-logs";
  runbook.kinds = {"filesystem.filling"};
  runbook.steps = {step("journal.vacuum", Check::Subject::series_fell, OnFailure::next),
                   step("log.rotate", Check::Subject::series_fell, OnFailure::next)};
  for (Step& each : runbook.steps) {
    each.verify.series = "system.filesystem.utilization";
    each.verify.bound = 0.05;
    each.verify.settle = 2s;
  }
  return runbook;
}

// A host with one incident, a response, and a pipeline made of a ledger.
struct Ward {
  explicit Ward(Tier tier = Tier::automatic, Runbook runbook = restart_runbook()) {
    policy.tier = tier;
    runbooks = {std::move(runbook)};
    response.emplace(runbooks, policy, [this](const Order& order) { return circumstances(order); });
    host.unit("failed");
    incident = incident_on(kNginx, "service.failed", host);
  }
  Ward(const Ward&) = delete;

  static Ward* filesystem(Tier tier = Tier::automatic) {
    auto* ward = new Ward(tier, logs_runbook());
    ward->host.utilization(0.90);
    ward->incident = incident_on(kVar, "filesystem.filling", ward->host);
    ward->incident.causes = {{EntityKind::service, "app.service"}};
    return ward;
  }

  guard::Circumstances circumstances(const Order&) {
    guard::Circumstances c;
    c.now = host.wall();
    c.uptime = 1h;
    c.halted = halted;
    c.halted_by = "uid 0 (root)";
    c.maintenance = maintenance;
    c.target = target;
    c.restarts_seen = restarts;
    c.entities_of_kind = 10;
    c.history = ledger;
    return c;
  }
  Now now() const { return {host.mono(), host.wall()}; }

  // Carries the commands out as the pipeline does and checks their order.
  void take(std::vector<Command> commands) {
    bool order_seen = false;
    for (Command& command : commands) {
      if (command.kind == Command::Kind::persist) {
        CHECK_FALSE(order_seen);
        ++persisted;
      }
      if (command.kind == Command::Kind::order) {
        order_seen = true;
        orders.push_back(command.order);
        guard::PastAction past;
        past.key = command.order.key;
        past.target = command.order.plan.target;
        past.runbook = command.order.runbook;
        past.action = command.order.plan.action;
        past.at = command.order.issued_at;
        ledger.push_back(past);
      }
      if (command.kind == Command::Kind::notify) notices.push_back(command.text);
    }
  }
  void observe() { take(response->observe(incident, host.view(), now())); }
  void pass(Duration time, Duration step = 1s) {
    for (Duration left = time; left > Duration{}; left -= step) {
      host.advance(std::min(left, step));
      take(response->tick(host.view(), now()));
    }
  }
  Outcome answer(OutcomeResult result, const std::string& text = "it was so") {
    Outcome outcome;
    outcome.key = orders.back().key;
    outcome.result = result;
    outcome.text = text;
    ledger.back().finished = true;
    ledger.back().result = result;
    return outcome;
  }
  void outcome(OutcomeResult result, const std::string& text = "it was so") {
    take(response->outcome(answer(result, text), host.view(), now()));
  }
  void quiet(bool inactive = true) {
    for (Anomaly& anomaly : incident.anomalies) anomaly.firing = false;
    incident.active = !inactive;
    observe();
  }
  void fire() {
    for (Anomaly& anomaly : incident.anomalies) anomaly.firing = true;
    incident.active = true;
    observe();
  }
  const Incident& kept() const { return response->incidents().at(incident.id); }
  int entries(TimelineKind kind) const {
    return static_cast<int>(std::count_if(kept().timeline.begin(), kept().timeline.end(),
                                          [&](const TimelineEntry& entry) { return entry.kind == kind; }));
  }
  std::string last(TimelineKind kind) const {
    std::string text;
    for (const TimelineEntry& entry : kept().timeline)
      if (entry.kind == kind) text = entry.text;
    return text;
  }
  bool says(TimelineKind kind, const std::string& part) const {
    return std::any_of(kept().timeline.begin(), kept().timeline.end(), [&](const TimelineEntry& entry) {
      return entry.kind == kind && entry.text.find(part) != std::string::npos;
    });
  }

  guard::Policy policy;
  std::vector<Runbook> runbooks;
  std::optional<Response> response;
  TestHost host;
  Incident incident;
  bool halted = false;
  std::vector<guard::Maintenance> maintenance;
  TargetState target = TargetState::faulty;
  int restarts = 0;
  std::vector<guard::PastAction> ledger;
  std::vector<Order> orders;
  std::vector<std::string> notices;
  int persisted = 0;
};

}  // namespace

TEST_CASE("a failed service is restarted, proved and resolved, with the measured times") {
  Ward ward;
  ward.observe();
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.persisted == 1);
  const Order& order = ward.orders[0];
  CHECK(order.key.size() == 24);
  CHECK(order.key.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(order.plan.action == "service.restart");
  CHECK(order.expires_at == order.issued_at + 30s);
  CHECK(order.incident_id == ward.incident.id);
  CHECK(ward.kept().state == IncidentState::acting);
  CHECK(ward.last(TimelineKind::planned) == "restart nginx.service through systemd");
  CHECK(ward.last(TimelineKind::verdict) == "allowed by 20 rules");
  const auto verdict = std::find_if(ward.kept().timeline.begin(), ward.kept().timeline.end(),
                                    [](const TimelineEntry& e) { return e.kind == TimelineKind::verdict; });
  REQUIRE(verdict != ward.kept().timeline.end());
  CHECK(verdict->attributes.size() == guard::rules().size());

  ward.host.advance(800ms);
  ward.host.unit("active");
  ward.outcome(OutcomeResult::done);
  CHECK(ward.kept().state == IncidentState::verifying);
  CHECK(ward.response->wake_at() == ward.host.mono() + 1s);
  ward.quiet(false);  // the signal is quiet, though detection still waits before it clears
  ward.pass(999ms, 999ms);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.pass(1ms, 1ms);
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.kept().closed_at == ward.host.wall());
  CHECK(ward.last(TimelineKind::resolved) ==
        "nginx.service is active again, 800ms after the order, 1.2s after the fault; held for 1.0s");
  CHECK_FALSE(ward.response->wake_at());
  CHECK(ward.notices.empty());
  ward.quiet();
  ward.pass(60s);
  CHECK(ward.orders.size() == 1);
  CHECK(ward.kept().state == IncidentState::resolved);
}

TEST_CASE("the same input gives the same order, another incident another key") {
  Ward one, two, three;
  three.incident.id = "00000000000000a2";
  one.observe(), two.observe(), three.observe();
  CHECK(one.orders[0].key == two.orders[0].key);
  CHECK(one.orders[0].key != three.orders[0].key);
}

TEST_CASE("in observe it says what it would have done, never orders, and resolves when quiet") {
  Ward ward(Tier::observe);
  ward.observe();
  ward.pass(20min, 10s);
  CHECK(ward.orders.empty());
  CHECK(ward.notices.empty());
  CHECK(ward.kept().state == IncidentState::open);
  CHECK(ward.says(TimelineKind::note, "would have done: restart nginx.service through systemd (systemctl restart"));
  CHECK(ward.entries(TimelineKind::verdict) == 1);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved).find("recovered by itself") == 0);
}

TEST_CASE("in suggest a human is told once and nothing is done") {
  Ward ward(Tier::suggest);
  ward.observe();
  ward.pass(20min, 10s);
  CHECK(ward.orders.empty());
  REQUIRE(ward.notices.size() == 1);
  CHECK(ward.notices[0].find("systemctl restart nginx.service") != std::string::npos);
  CHECK(ward.response->proposals().empty());
  CHECK(ward.kept().state == IncidentState::open);
}

TEST_CASE("a runbook's ceiling lowers the policy's tier, never raises it") {
  Runbook runbook = restart_runbook();
  runbook.ceiling = Tier::observe;
  Ward low(Tier::automatic, runbook);
  low.observe();
  CHECK(low.orders.empty());
  CHECK(low.says(TimelineKind::verdict, "tier is observe"));
  runbook.ceiling = Tier::approve;
  Ward asks(Tier::automatic, runbook);
  asks.observe();
  CHECK(asks.orders.empty());
  CHECK(asks.response->proposals().size() == 1);
  Ward high(Tier::observe, restart_runbook());
  high.observe();
  CHECK(high.orders.empty());
}

TEST_CASE("with tier approve a human's yes gives the order, once") {
  Ward ward(Tier::approve);
  ward.observe();
  CHECK(ward.orders.empty());
  REQUIRE(ward.response->proposals().size() == 1);
  CHECK(ward.response->proposals()[0].order.plan.action == "service.restart");
  CHECK(ward.notices.size() == 1);
  ward.pass(5min, 10s);
  const std::string key = ward.response->proposals()[0].order.key;
  CHECK_FALSE(ward.response->approve("nonsense", "uid 0 (root)", ward.host.view(), ward.now()));
  auto commands = ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now());
  REQUIRE(commands.has_value());
  ward.take(std::move(*commands));
  REQUIRE(ward.orders.size() == 1);
  CHECK(ward.orders[0].approved_by == "uid 0 (root)");
  CHECK(ward.orders[0].key == key);
  CHECK(ward.orders[0].issued_at == ward.host.wall());
  CHECK(ward.says(TimelineKind::approval, "approved by uid 0 (root)"));
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now()));
  CHECK(ward.response->proposals().empty());
}

TEST_CASE("an approval does not lift the kill switch") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.halted = true;
  auto commands = ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now());
  REQUIRE(commands.has_value());
  ward.take(std::move(*commands));
  CHECK(ward.orders.empty());
  CHECK(ward.says(TimelineKind::verdict, "kill-switch"));
  ward.pass(1min);
  CHECK(ward.orders.empty());
  ward.halted = false;  // within the life of the approval
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("an approval lapses with its proposal") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.halted = true;
  REQUIRE(ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now()).has_value());
  ward.pass(16min, 10s);
  ward.halted = false;
  ward.pass(10s);
  CHECK(ward.orders.empty());
  CHECK(ward.response->proposals().size() == 1);
}

TEST_CASE("a rejected proposal is not made again for this incident") {
  Ward ward(Tier::approve);
  ward.observe();
  auto commands = ward.response->reject(ward.incident.id, "uid 0 (root)", "planned", ward.now());
  REQUIRE(commands.has_value());
  ward.take(std::move(*commands));
  ward.pass(30min, 10s);
  CHECK(ward.orders.empty());
  CHECK(ward.response->proposals().empty());
  CHECK(ward.says(TimelineKind::approval, "rejected by uid 0 (root): planned"));
  CHECK_FALSE(ward.response->reject(ward.incident.id, "uid 0 (root)", "", ward.now()));
}

TEST_CASE("a proposal that nobody answers expires and escalates") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.host.advance(15min);
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now()));
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 2);
  CHECK(ward.orders.empty());
}

TEST_CASE("a proposal is withdrawn when the target recovers by itself") {
  Ward ward(Tier::approve);
  ward.observe();
  ward.quiet();
  CHECK(ward.response->proposals().empty());
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK_FALSE(ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now()));
}

TEST_CASE("medium confidence asks a human even where the tier is auto") {
  Ward ward;
  ward.incident.confidence = 0.8;
  ward.observe();
  CHECK(ward.orders.empty());
  CHECK(ward.response->proposals().size() == 1);
}

TEST_CASE("halted, it never orders, and acts when resumed") {
  Ward ward;
  ward.halted = true;
  ward.observe();
  ward.pass(30min, 10s);
  CHECK(ward.orders.empty());
  CHECK(ward.notices.empty());
  CHECK(ward.entries(TimelineKind::verdict) == 1);
  CHECK(ward.kept().state == IncidentState::open);
  ward.halted = false;
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("maintenance holds back without a flood of entries, and ends") {
  Ward ward;
  ward.maintenance.push_back({ward.host.wall() + 10min, "root", "upgrade", "*"});
  ward.observe();
  ward.pass(599s);
  CHECK(ward.orders.empty());
  CHECK(ward.entries(TimelineKind::verdict) == 1);
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("an incident that becomes quiet before anything was done is resolved by itself") {
  Ward ward;
  ward.target = TargetState::changing;
  ward.observe();
  ward.pass(3s);
  CHECK(ward.orders.empty());
  CHECK(ward.says(TimelineKind::verdict, "held by target-state"));
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved) == "recovered by itself; nothing was done");
}

TEST_CASE("what is held for five minutes is given up and escalated once") {
  Ward ward;
  ward.target = TargetState::changing;
  ward.observe();
  ward.pass(299s);
  CHECK(ward.notices.empty());
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::escalated);
  ward.pass(10min);
  CHECK(ward.notices.size() == 1);
  CHECK(ward.notices[0].find("target-state") != std::string::npos);
  CHECK(ward.orders.empty());
}

TEST_CASE("one signal alone does not act; the second one does") {
  Ward ward;
  ward.incident.proof = false;
  ward.observe();
  ward.pass(10s);
  CHECK(ward.orders.empty());
  ward.incident.signals = 2;
  ward.observe();
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("denials that time does not lift escalate at once") {
  Ward crash;
  crash.restarts = 5;
  crash.observe();
  CHECK(crash.orders.empty());
  CHECK(crash.kept().state == IncidentState::escalated);
  REQUIRE(crash.notices.size() == 1);
  CHECK(crash.notices[0].find("crash-loop: 5 restarts") != std::string::npos);

  Ward guarded;
  guarded.policy.protected_entities = {"service:nginx*"};
  guarded.response->reconfigure(guarded.runbooks, guarded.policy);
  guarded.observe();
  guarded.pass(10min, 10s);
  CHECK(guarded.orders.empty());
  CHECK(guarded.notices.size() == 1);
}

TEST_CASE("a crash loop has no plan and escalates") {
  Ward ward;
  ward.incident.kind = "service.crash_looping";
  ward.observe();
  ward.pass(31s);
  CHECK(ward.orders.empty());
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);
}

TEST_CASE("an incident that no runbook treats is escalated when it is grave") {
  Ward grave;
  grave.incident.kind = "host.on_fire";
  grave.observe();
  CHECK(grave.kept().state == IncidentState::escalated);
  CHECK(grave.notices.size() == 1);
  Ward light;
  light.incident.kind = "host.warm";
  light.incident.severity = Severity::warning;
  light.observe();
  light.pass(10min, 10s);
  CHECK(light.kept().state == IncidentState::open);
  CHECK(light.notices.empty());
  CHECK(light.entries(TimelineKind::note) == 1);
  light.runbooks[0].kinds.push_back("host.warm");
  light.response->reconfigure(light.runbooks, light.policy);
  light.pass(1s);
  CHECK(light.orders.size() == 1);
}

TEST_CASE("a step without proof escalates, names the plan, and is not repeated") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(14s);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.pass(1s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.says(TimelineKind::verified, "did not help: no proof in 15.0s"));
  ward.pass(2h, 10s);
  CHECK(ward.orders.size() == 1);
  CHECK(ward.notices.size() == 1);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
}

TEST_CASE("a unit that comes and goes while it settles is not proved") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::done);
  for (int i = 0; i < 20; ++i) {
    ward.host.unit(i % 2 == 0 ? "active" : "failed");
    ward.pass(900ms, 900ms);
  }
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK_FALSE(ward.says(TimelineKind::resolved, ""));
}

TEST_CASE("an effect that fails escalates with its words") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::failed, "Job failed");
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices[0].find("Job failed") != std::string::npos);
}

TEST_CASE("a filesystem: steps that do not apply are passed over, and the fall of its use is the proof") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->observe();
  CHECK(ward->orders.empty());  // who fills it is not known yet
  CHECK(ward->says(TimelineKind::note, "no step of runbook filesystem-logs applies"));
  ward->pass(2s);
  ward->host.growth("/var/log/app.log", "20971520", "0.95", {{"writer.unit", "app.service"}});
  ward->pass(1s);
  REQUIRE(ward->orders.size() == 1);
  CHECK(ward->orders[0].plan.action == "log.rotate");
  CHECK(ward->orders[0].step == 1);
  ward->host.utilization(0.92);
  ward->outcome(OutcomeResult::done);
  ward->pass(3s);
  CHECK(ward->kept().state == IncidentState::verifying);  // below no limit counts: it has to fall
  ward->host.utilization(0.30);
  ward->pass(1s);
  ward->host.utilization(0.34);
  ward->quiet(false);
  ward->pass(2s);
  CHECK(ward->kept().state == IncidentState::resolved);
  CHECK(ward->last(TimelineKind::resolved).find("fell from 0.900 to 0.340") != std::string::npos);
}

TEST_CASE("a reading that is missing proves nothing") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->host.growth("/var/log/app.log", "20971520", "0.95");
  ward->observe();
  ward->outcome(OutcomeResult::done);
  ward->host.utilization(std::nullopt);
  ward->pass(14s);
  CHECK(ward->kept().state == IncidentState::verifying);
  ward->pass(1s);
  CHECK(ward->says(TimelineKind::verified, "did not help"));
}

TEST_CASE("after a failed step comes the next one, and never the same again") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->host.growth("/var/log/journal/x/system.journal", "20971520", "0.95");
  ward->observe();
  REQUIRE(ward->orders.size() == 1);
  CHECK(ward->orders[0].plan.action == "journal.vacuum");
  ward->outcome(OutcomeResult::failed, "no archived journal");
  CHECK(ward->orders.size() == 1);
  for (int i = 0; i < 40; ++i) {
    ward->host.growth("/var/log/app.log", "20971520", "0.95");
    ward->pass(1s);
  }
  REQUIRE(ward->orders.size() == 2);  // after the cool-down
  CHECK(ward->orders[1].plan.action == "log.rotate");
  ward->outcome(OutcomeResult::failed, "disk error");
  for (int i = 0; i < 120; ++i) {
    ward->host.growth("/var/log/app.log", "20971520", "0.95");
    ward->pass(1s);
  }
  CHECK(ward->orders.size() == 2);
  CHECK(ward->kept().state == IncidentState::escalated);
  CHECK(ward->notices.size() == 1);
}

TEST_CASE("the remaining steps are cancelled when the target recovers midway") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  ward->host.growth("/var/log/journal/x/system.journal", "20971520", "0.95");
  ward->observe();
  ward->outcome(OutcomeResult::failed, "no archived journal");
  ward->quiet();
  ward->host.growth("/var/log/app.log", "20971520", "0.95");
  ward->pass(2min);
  CHECK(ward->orders.size() == 1);
  CHECK(ward->kept().state == IncidentState::resolved);
}

TEST_CASE("a writer that goes on is treated again within the limits, then escalated by name and rate") {
  std::unique_ptr<Ward> ward(Ward::filesystem());
  double use = 0.90;
  std::size_t answered = 0;
  for (int i = 0; i < 1200; ++i) {
    ward->host.growth("/var/log/app.log", "20971520", "0.95", {{"writer.unit", "app.service"}});
    use = std::min(use + 0.01, 0.95);
    ward->host.utilization(use);
    ward->observe();
    ward->pass(1s);
    if (ward->orders.size() > answered) {
      ++answered;
      use = 0.2;
      ward->host.utilization(use);
      ward->outcome(OutcomeResult::done);
    }
  }
  CHECK(ward->orders.size() == 3);
  CHECK(ward->kept().state == IncidentState::escalated);
  REQUIRE(ward->notices.size() == 1);
  CAPTURE(ward->notices[0]);
  CHECK(ward->notices[0].find("rate-limit-target") != std::string::npos);
  CHECK(ward->notices[0].find("app.service") != std::string::npos);
  CHECK(ward->notices[0].find("20.0MiB/s") != std::string::npos);
  CHECK(ward->kept().timeline.size() < 60);
}

TEST_CASE("an interrupted order is not repeated blindly: proof first, then judged anew under the guard") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::interrupted);
  CHECK(ward.kept().state == IncidentState::verifying);
  ward.host.unit("active");
  ward.quiet(false);
  ward.pass(2s);
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.orders.size() == 1);

  Ward faulty;
  faulty.observe();
  faulty.outcome(OutcomeResult::timed_out);
  faulty.pass(16s);
  CHECK(faulty.kept().state == IncidentState::open);
  CHECK(faulty.orders.size() == 1);  // cool-down
  faulty.pass(20s);
  REQUIRE(faulty.orders.size() == 2);
  CHECK(faulty.orders[0].key != faulty.orders[1].key);
  faulty.outcome(OutcomeResult::interrupted);
  faulty.pass(1h, 10s);
  CHECK(faulty.orders.size() == 2);
  CHECK(faulty.kept().state == IncidentState::escalated);
}

TEST_CASE("an order without an answer ends as interrupted") {
  Ward ward;
  ward.observe();
  ward.pass(119s);
  CHECK(ward.kept().state == IncidentState::acting);
  ward.pass(1s);
  CHECK(ward.says(TimelineKind::acted, "interrupted: the actuator gave no answer"));
  ward.host.advance(1s);
  const auto before = ward.kept().state;
  ward.outcome(OutcomeResult::done, "too late");
  CHECK(ward.kept().state == before);
  CHECK(ward.says(TimelineKind::note, "a late answer: too late"));
}

TEST_CASE("an expired order is judged again, but not for ever") {
  Ward ward;
  ward.observe();
  for (int i = 0; i < 5 && ward.kept().state == IncidentState::acting; ++i) {
    ward.outcome(OutcomeResult::expired);
    ward.pass(1s);
  }
  CHECK(ward.orders.size() == 3);
  CHECK(ward.kept().state == IncidentState::escalated);
}

TEST_CASE("unnecessary: the target had recovered before anything was done") {
  Ward ward;
  ward.observe();
  ward.outcome(OutcomeResult::unnecessary, "nginx.service is active");
  ward.pass(2s);
  ward.quiet();
  CHECK(ward.kept().state == IncidentState::resolved);
  CHECK(ward.last(TimelineKind::resolved) == "recovered by itself");
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("a refusal by the actuator is told with its rules; it is asked again ever more rarely, then escalated") {
  Ward ward;
  ward.observe();
  for (int i = 0; i < 1200; ++i) {
    if (ward.kept().state == IncidentState::acting) {
      Outcome outcome = ward.answer(OutcomeResult::refused);
      outcome.verdict.decision = Decision::deny;
      outcome.verdict.answers = {{"maintenance", Decision::deny, "until noon"}};
      ward.take(ward.response->outcome(outcome, ward.host.view(), ward.now()));
    }
    ward.pass(1s);
  }
  CHECK(ward.says(TimelineKind::verdict, "actuator: denied by maintenance: until noon"));
  CHECK(ward.orders.size() == 5);
  CHECK(ward.orders[4].issued_at - ward.orders[0].issued_at >= 150s);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);

  Ward limited;
  limited.observe();
  Outcome outcome = limited.answer(OutcomeResult::refused);
  outcome.verdict.decision = Decision::deny;
  outcome.verdict.answers = {{"rate-limit-target", Decision::deny, "3 of 3"}};
  limited.take(limited.response->outcome(outcome, limited.host.view(), limited.now()));
  CHECK(limited.kept().state == IncidentState::escalated);
}

TEST_CASE("a flapping service is restarted within the limits and then escalated, in one incident") {
  Ward ward;
  ward.observe();
  std::size_t answered = 0;
  for (int i = 0; i < 1800; ++i) {
    if (ward.orders.size() > answered) {
      ++answered;
      ward.host.unit("active");
      ward.outcome(OutcomeResult::done);
      ward.quiet(false);
      ward.pass(2s);
      CHECK(ward.kept().state == IncidentState::resolved);
      ward.host.unit("failed");
      ward.fire();
      CHECK_FALSE(ward.kept().closed_at);
    }
    ward.pass(1s);
  }
  CHECK(ward.orders.size() == 3);
  CHECK(ward.kept().state == IncidentState::escalated);
  CHECK(ward.notices.size() == 1);
  CHECK(ward.response->incidents().size() == 1);
}

TEST_CASE("detection's own entries and fields are taken over, ours are kept") {
  Ward ward(Tier::observe);
  ward.observe();
  const auto revision = ward.kept().revision;
  ward.observe();
  CHECK(ward.kept().revision == revision);  // nothing new
  ward.incident.severity = Severity::critical;
  add_timeline(ward.incident, ward.host.wall(), TimelineKind::evidence, "and it is slow");
  ward.observe();
  ward.observe();
  CHECK(ward.kept().severity == Severity::critical);
  CHECK(ward.entries(TimelineKind::evidence) == 1);
  CHECK(ward.entries(TimelineKind::opened) == 1);
  CHECK(ward.entries(TimelineKind::diagnosed) == 1);
  CHECK(ward.entries(TimelineKind::planned) == 1);
  CHECK(ward.kept().revision == revision + 1);
}

TEST_CASE("after a restart an open order waits for its outcome and is never given again") {
  Ward first;
  first.observe();
  const Incident stored = first.kept();
  const Order open = first.orders[0];
  const auto revived = [&](Ward& ward, const std::optional<Order>& order) {
    ward.host.advance(5s);
    ward.ledger = first.ledger;
    ward.orders = {open};
    ward.response->restore(stored, order);
  };

  Ward done;
  revived(done, open);
  done.pass(5s);
  CHECK(done.kept().state == IncidentState::acting);
  CHECK(done.orders.size() == 1);
  done.host.unit("active");
  done.outcome(OutcomeResult::done);
  done.incident = stored;
  done.quiet(false);
  done.pass(2s);
  CHECK(done.kept().state == IncidentState::resolved);
  CHECK(done.entries(TimelineKind::opened) == 1);

  Ward unknown;
  revived(unknown, open);
  unknown.outcome(OutcomeResult::interrupted);
  unknown.pass(10s);
  CHECK(unknown.orders.size() == 1);
  unknown.pass(60s);
  REQUIRE(unknown.orders.size() == 2);
  CHECK(unknown.orders[1].key != open.key);

  Ward lost;
  revived(lost, std::nullopt);
  lost.pass(1s);
  CHECK(lost.says(TimelineKind::note, "the daemon was restarted; judged again"));
  CHECK(lost.orders.size() == 1);  // the ledger's unfinished order holds it
}

TEST_CASE("after a restart an escalated incident does not tell the same again") {
  Ward first;
  first.restarts = 5;
  first.observe();
  REQUIRE(first.notices.size() == 1);
  Ward second;
  second.restarts = 5;
  second.response->restore(first.kept(), std::nullopt);
  second.pass(10s);
  CHECK(second.kept().state == IncidentState::escalated);
  second.quiet();
  second.fire();
  CHECK(second.kept().state == IncidentState::escalated);
  CHECK(second.notices.empty());
}

TEST_CASE("after a restart a runbook may be gone") {
  Ward first;
  first.observe();
  for (const OutcomeResult result : {OutcomeResult::done, OutcomeResult::failed, OutcomeResult::expired,
                                     OutcomeResult::refused, OutcomeResult::interrupted}) {
    CAPTURE(to_string(result));
    Ward ward;
    ward.response->reconfigure({}, ward.policy);
    ward.response->restore(first.kept(), first.orders[0]);
    ward.orders = first.orders;
    ward.ledger = first.ledger;
    ward.outcome(result);
    ward.pass(10min, 10s);
    CHECK(ward.orders.size() == 1);
    CHECK(ward.kept().state == IncidentState::escalated);
  }
}

TEST_CASE("a tier that is raised while the incident is open acts on it") {
  Ward ward(Tier::observe);
  ward.observe();
  ward.policy.tier = Tier::automatic;
  ward.response->reconfigure(ward.runbooks, ward.policy);
  ward.pass(1s);
  CHECK(ward.orders.size() == 1);
}

TEST_CASE("a forgotten incident is gone") {
  Ward ward(Tier::observe);
  ward.observe();
  ward.response->forget(ward.incident.id);
  CHECK(ward.response->incidents().empty());
  ward.pass(1s);
  CHECK(ward.response->proposals().empty());
}

// Anything may happen in any order. What must always hold: no order while halted or in observe, never two orders at
// once, never more than the limit in a window, keys are unique, the timeline is bounded.
TEST_CASE("invariants hold over random courses of events") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Ward ward(static_cast<Tier>(random() % 4));
    ward.observe();
    bool under_way = false;
    for (int i = 0; i < 600; ++i) {
      const std::size_t before = ward.orders.size();
      under_way = !ward.ledger.empty() && !ward.ledger.back().finished;
      switch (random() % 10) {
        case 0: ward.halted = !ward.halted; break;
        case 1: ward.target = static_cast<TargetState>(random() % 5); break;
        case 2: ward.host.unit(random() % 2 == 0 ? "active" : "failed"); break;
        case 3: ward.quiet(random() % 2 == 0); break;
        case 4: ward.fire(); break;
        case 5:
          if (under_way) ward.outcome(static_cast<OutcomeResult>(random() % 7));
          break;
        case 6: {
          auto commands = ward.response->approve(ward.incident.id, "uid 0 (root)", ward.host.view(), ward.now());
          if (commands) ward.take(std::move(*commands));
          break;
        }
        default: ward.pass((random() % 90) * 1s, 10s); break;
      }
      if (ward.orders.size() > before) {
        REQUIRE(ward.orders.size() == before + 1);
        REQUIRE_FALSE(ward.halted);
        REQUIRE(ward.policy.tier >= Tier::approve);
        REQUIRE((ward.policy.tier == Tier::automatic || !ward.orders.back().approved_by.empty()));
      }
      REQUIRE(ward.kept().timeline.size() <= kMostTimeline);
      REQUIRE((ward.kept().state == IncidentState::resolved) == ward.kept().closed_at.has_value());
    }
    std::set<std::string> keys;
    for (const Order& order : ward.orders) keys.insert(order.key);
    CHECK(keys.size() == ward.orders.size());
    std::set<std::string> notices(ward.notices.begin(), ward.notices.end());
    CHECK(notices.size() == ward.notices.size());
  }
}
