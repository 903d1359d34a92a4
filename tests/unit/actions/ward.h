// SPDX-License-Identifier: Apache-2.0
// A runbook, an incident and a host for the tests of the response.
#pragma once

#include <algorithm>

#include "actions/response.h"
#include "tests/unit/actions/host.h"

namespace hostmedic::test {

using namespace std::chrono_literals;
using guard::TargetState;

inline Step step(const std::string& action, Check::Subject subject, OnFailure on_failure) {
  Step made;
  made.action = action;
  made.verify.subject = subject;
  made.verify.settle = 1s;
  made.verify.within = 15s;
  made.on_failure = on_failure;
  return made;
}

inline Runbook restart_runbook() {
  Runbook runbook;
  runbook.name = "service-restart";
  runbook.kinds = {"service.failed", "service.crash_looping"};
  runbook.steps = {step("service.restart", Check::Subject::unit_active, OnFailure::escalate)};
  return runbook;
}

inline Runbook logs_runbook() {
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

// What conditions say, as the test sets it; what it does not speak of is not known.
struct Said final : Conditions {
  std::map<std::string, bool> answers;
  std::optional<bool> holds(const std::string& condition, const Entity&) override {
    const auto known = answers.find(condition);
    return known == answers.end() ? std::nullopt : std::optional(known->second);
  }
  std::string explain(const std::string& condition, const Entity&) override { return condition + " is what it is"; }
};

// A host with one incident, a response, and a pipeline made of a ledger.
struct Ward {
  explicit Ward(Tier tier = Tier::automatic, Runbook runbook = restart_runbook()) {
    policy.tier = tier;
    runbooks = {std::move(runbook)};
    response.emplace(runbooks, policy, sources());
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

  Sources sources() {
    return {.circumstances = [this](const Order& order) { return circumstances(order); },
            .detected = [this](const std::string&) { return &incident; },
            .conditions = said};
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
        past.undoes = command.order.undoes;
        ledger.push_back(past);
      }
      if (command.kind == Command::Kind::notify) notices.push_back(command.text);
      if (command.kind == Command::Kind::remember) lessons.push_back(command.lesson);
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
    answers.push_back(outcome);
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
  Said said;
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
  std::vector<Outcome> answers;
  std::vector<std::string> notices;
  std::vector<Lesson> lessons;
  int persisted = 0;
};

}  // namespace hostmedic::test
