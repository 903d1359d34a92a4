// SPDX-License-Identifier: Apache-2.0
#include "actions/guard/guard.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "tests/unit/actions/guard_case.h"

using namespace hostmedic;
using namespace hostmedic::guard;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

struct Stop {
  std::string rule;
  Decision decision;
  std::string reason;  // part of it
  std::function<void(Case&)> change;
};

const std::vector<Stop>& stops() {
  static const std::vector<Stop> kStops = {
      {"kill-switch", Decision::deny, "halted by uid 0 (root)",
       [](Case& c) {
         c.now.halted = true;
         c.now.halted_by = "uid 0 (root)";
       }},
      {"maintenance", Decision::deny, "until 2026-09-21T15:13:20.000Z by root: upgrade",
       [](Case& c) { c.now.maintenance.push_back({kNow + 1h, "root", "upgrade", "service:nginx*"}); }},
      {"exclusion-window", Decision::deny, "window 'payday' (14:00 to 15:00 UTC)",
       [](Case& c) { c.policy.exclusions.push_back({"payday", 0x01, 14 * 60, 15 * 60, "*"}); }},
      {"tier", Decision::deny, "tier is observe: would have done it", [](Case& c) { c.policy.tier = Tier::observe; }},
      {"tier", Decision::hold, "tier is suggest: a human", [](Case& c) { c.policy.tier = Tier::suggest; }},
      {"tier", Decision::hold, "tier is approve: a human", [](Case& c) { c.policy.tier = Tier::approve; }},
      {"confidence", Decision::hold, "0.80 is below 0.90", [](Case& c) { c.order.confidence = 0.80; }},
      {"confidence", Decision::hold, "0.50 is below 0.70", [](Case& c) { c.order.confidence = 0.50; }},
      {"confidence", Decision::deny, "not a number", [](Case& c) { c.order.confidence = std::nan(""); }},
      {"two-signals", Decision::hold, "1 independent signals, needs 2", [](Case& c) { c.order.signals = 1; }},
      {"target-state", Decision::deny, "nothing to do: nginx.service is active",
       [](Case& c) {
         c.now.target = TargetState::recovered;
         c.now.target_text = "nginx.service is active";
       }},
      {"target-state", Decision::deny, "the target is gone", [](Case& c) { c.now.target = TargetState::gone; }},
      {"target-state", Decision::hold, "already at work", [](Case& c) { c.now.target = TargetState::changing; }},
      {"target-state", Decision::hold, "could not be asked", [](Case& c) { c.now.target = TargetState::unknown; }},
      {"self-inflicted", Decision::deny, "our own doing: order 7 on service:db.service",
       [](Case& c) { c.now.self_inflicted = "order 7 on service:db.service"; }},
      {"busy", Decision::hold, "not during backup: restic, pid 312",
       [](Case& c) {
         c.order.not_while = "package-manager backup";
         c.now.busy = {"migration: alembic, pid 9", "backup: restic, pid 312"};
       }},
      {"busy", Decision::hold, "unknown: /proc cannot be read",
       [](Case& c) {
         c.order.not_while = "backup";
         c.now.busy = {"unknown: /proc cannot be read"};
       }},
      {"busy", Decision::deny, "no such kind of work: 'siesta'", [](Case& c) { c.order.not_while = "siesta"; }},
      {"disarmed", Decision::hold, "service-restart was disarmed by uid 0 (root): it made things worse",
       [](Case& c) { c.now.disarmed = {{"service-restart", "uid 0 (root)", "it made things worse", kNow - 1h}}; }},
      {"disarmed", Decision::hold, "disarmed by the guard: 3 of its 3 actions in 1d0h failed or were undone",
       [](Case& c) {
         for (int i = 0; i < 3; ++i) {
           c.now.history.push_back(elsewhere(c, 2h + i * 1min, c.order.runbook));
           c.now.history.back().result = OutcomeResult::failed;
         }
       }},
      {"lease", Decision::hold, "was not asked", [](Case& c) { c.policy.need_lease = true; }},
      {"lease", Decision::hold, "has not granted it: web2 is at work",
       [](Case& c) {
         c.policy.need_lease = true, c.now.lease = guard::Lease::refused, c.now.lease_text = "web2 is at work";
       }},
      {"storm", Decision::deny, "so much departs at once", [](Case& c) { c.now.storm = true; }},
      {"post-change", Decision::hold, "nginx was upgraded, approve: a human",
       [](Case& c) { c.now.recent_change = "nginx was upgraded"; }},
      {"post-change", Decision::deny, "nothing is done by itself",
       [](Case& c) {
         c.now.recent_change = "nginx was upgraded";
         c.policy.post_change = Tier::observe;
       }},
      {"order-expiry", Decision::deny, "expired 0ms ago", [](Case& c) { c.now.now = c.order.expires_at; }},
      {"order-expiry", Decision::deny, "1h0m in the future",
       [](Case& c) { c.order.issued_at = kNow + 1h, c.order.expires_at = kNow + 1h + 30s; }},
      {"order-expiry", Decision::deny, "may live", [](Case& c) { c.order.expires_at = kNow + 3min; }},
      {"boot-grace", Decision::hold, "waits for 2m", [](Case& c) { c.now.uptime = 119s; }},
      {"cooldown", Decision::hold, "last action on it 29.0s ago, waits 30.0s",
       [](Case& c) { c.now.history.push_back(past(c, 29s)); }},
      {"cooldown", Decision::hold, "last such action of this runbook on it 2h0m ago, waits 6h0m",
       [](Case& c) {
         c.order.cooldown = 6h;
         c.now.history.push_back(past(c, 2h));
       }},
      {"rate-limit-target", Decision::deny, "3 of 3 actions on service:nginx.service",
       [](Case& c) {
         for (const auto ago : {59min, 40min, 20min}) c.now.history.push_back(past(c, ago));
       }},
      {"rate-limit-runbook", Decision::deny, "10 of 10 actions by runbook service-restart",
       [](Case& c) {
         for (int i = 0; i < 10; ++i) c.now.history.push_back(elsewhere(c, 10min + i * 1min, c.order.runbook));
       }},
      {"rate-limit-host", Decision::deny, "20 of 20 actions on this host",
       [](Case& c) {
         for (int i = 0; i < 20; ++i) c.now.history.push_back(elsewhere(c, 10min + i * 1min, i < 10 ? "a" : "b"));
       }},
      {"in-flight", Decision::hold, "has not ended",
       [](Case& c) {
         c.now.history.push_back(past(c, 10min));
         c.now.history.back().finished = false;
       }},
      {"in-flight", Decision::hold, "on service:db.service, on which it depends or which depends on it, has not ended",
       [](Case& c) {
         c.now.history.push_back(past(c, 10min));
         c.now.history.back().target.name = "db.service";
         c.now.history.back().finished = false;
         c.now.related = {{EntityKind::service, "app.service"}, {EntityKind::service, "db.service"}};
       }},
      {"in-flight", Decision::deny, "was already taken up",
       [](Case& c) {
         c.now.history.push_back(past(c, 10min));
         c.now.history.back().key = c.order.key;
       }},
      {"crash-loop", Decision::deny, "5 restarts in 10m", [](Case& c) { c.now.restarts_seen = 5; }},
      {"blast-radius", Decision::deny, "touches 6, at most 5", [](Case& c) { c.order.plan.touched = 6; }},
      {"blast-radius", Decision::deny, "touches 3, at most 2",
       [](Case& c) { c.order.plan.touched = 3, c.order.touched_most = 2; }},
      {"blast-radius", Decision::deny, "touches 2 of 4, at most 25%",
       [](Case& c) { c.order.plan.touched = 2, c.now.entities_of_kind = 4; }},
      {"blast-radius", Decision::deny, "claims to touch 0", [](Case& c) { c.order.plan.touched = 0; }},
      {"human-undo", Decision::deny, "a human undid this action",
       [](Case& c) {
         c.now.history.push_back(past(c, 24h * 300));
         c.now.history.back().by_hand_undone = true;
       }},
      {"protected", Decision::deny, "is protected by 'service:nginx*'",
       [](Case& c) { c.policy.protected_entities.push_back("service:nginx*"); }},
      {"protected", Decision::deny, "is protected by 'nginx.service'",
       [](Case& c) { c.policy.protected_entities.push_back("nginx.service"); }},
      {"protected", Decision::deny, "the writer service:app.service",
       [](Case& c) {
         c.order.plan.parameters = {{"writer_unit", "app.service"}};
         c.policy.protected_entities.push_back("service:app.service");
       }},
      {"log-root", Decision::deny, "/srv/log is not among the log roots",
       [](Case& c) { c.order.plan.parameters = {{"root", "/srv/log"}}; }},
      {"log-root", Decision::deny, "/var/logs is not among",
       [](Case& c) { c.order.plan.parameters = {{"root", "/var/logs"}}, c.policy.log_roots.push_back(""); }},
      {"clean-root", Decision::deny, "/var/tmp/x is not one of the clean roots",
       [](Case& c) { c.order.plan.parameters = {{"clean_root", "/var/tmp/x"}}, c.policy.clean_roots = {"/var/tmp"}; }},
      {"never-touch", Decision::deny, "service:ssh.service is never touched",
       [](Case& c) { c.order.plan.target.name = "ssh.service"; }},
      {"never-touch", Decision::deny, "process:sshd-session is never touched",
       [](Case& c) { c.order.plan.target = {EntityKind::process, "sshd-session"}; }},
      {"never-touch", Decision::deny, "'127.0.0.1' is this host itself",
       [](Case& c) { c.order.plan.target = {EntityKind::endpoint, "http://127.0.0.1:8080/health"}; }},
      {"never-touch", Decision::deny, "192.0.2.7 is never blocked ('192.0.2.*' of the policy)",
       [](Case& c) {
         c.order.plan.target = {EntityKind::endpoint, "192.0.2.7"};
         c.policy.never_block = {"192.0.2.*"};
       }},
  };
  return kStops;
}

}  // namespace

TEST_CASE("an order with everything in order is allowed, with an answer from every rule") {
  const Verdict verdict = judged(allowed_case());
  CHECK(verdict.decision == Decision::allow);
  REQUIRE(verdict.answers.size() == rules().size());
  for (std::size_t i = 0; i < rules().size(); ++i) {
    CHECK(verdict.answers[i].rule == rules()[i].name);
    CHECK(verdict.answers[i].decision == Decision::allow);
    CHECK_FALSE(verdict.answers[i].reason.empty());
    CHECK_FALSE(rules()[i].doc.empty());
  }
  CHECK(verdict.summary() == "allowed by " + std::to_string(rules().size()) + " rules");
  CHECK(rules().back().name == "never-touch");
}

TEST_CASE("each rule alone stops an order that is otherwise allowed") {
  for (const Stop& stop : stops()) {
    CAPTURE(stop.rule);
    CAPTURE(stop.reason);
    Case c = allowed_case();
    stop.change(c);
    const Verdict verdict = judged(c);
    CHECK(verdict.decision == stop.decision);
    const RuleAnswer& answer = answer_of(verdict, stop.rule);
    CHECK(answer.decision == stop.decision);
    CAPTURE(answer.reason);
    CHECK(answer.reason.find(stop.reason) != std::string::npos);
    for (const RuleAnswer& other : verdict.answers) {
      CAPTURE(other.rule);
      if (other.rule != stop.rule) CHECK(other.decision == Decision::allow);
    }
    CHECK(verdict.summary().find(stop.rule) != std::string::npos);
  }
}

TEST_CASE("in a storm only what the policy names goes on, and after a change what a human approves") {
  Case c = allowed_case();
  c.now.storm = true;
  CHECK(judged(c).decision == Decision::deny);
  c.policy.storm_runbooks = {"filesystem-*", c.order.runbook};
  CHECK(judged(c).decision == Decision::allow);
  c.now.recent_change = "nginx was upgraded";
  CHECK(judged(c).decision == Decision::hold);
  c.now.approved_by = c.order.approved_by = "root";
  CHECK(judged(c).decision == Decision::allow);
  c.now.approved_by = c.order.approved_by = "";
  c.policy.post_change = Tier::automatic;
  CHECK(judged(c).decision == Decision::allow);
}

TEST_CASE("every rule is covered by a case that it stops") {
  for (const RuleInfo& rule : rules()) {
    CAPTURE(rule.name);
    CHECK(std::any_of(stops().begin(), stops().end(), [&](const Stop& stop) { return stop.rule == rule.name; }));
  }
}

TEST_CASE(
    "a human's approval answers tier, confidence, exclusion windows, storms, recent changes and what is disarmed, and "
    "nothing else") {
  for (const Stop& stop : stops()) {
    Case c = allowed_case();
    stop.change(c);
    c.now.approved_by = "uid 0 (root)";
    CAPTURE(stop.rule);
    CAPTURE(stop.reason);
    const bool answered = (stop.rule == "tier" && stop.decision == Decision::hold) ||
                          (stop.rule == "confidence" && stop.decision == Decision::hold) ||
                          stop.rule == "exclusion-window" || stop.rule == "storm" || stop.rule == "post-change" ||
                          stop.rule == "disarmed";
    CHECK((judged(c).decision == Decision::allow) == answered);
  }
}

TEST_CASE("an approval that the order only claims does not count") {
  Case c = allowed_case();
  c.policy.tier = Tier::approve;
  c.order.approved_by = "uid 0 (root)";
  CHECK(judged(c).decision == Decision::hold);
}

TEST_CASE("proof replaces the second signal") {
  Case c = allowed_case();
  c.order.signals = 1;
  c.order.proof = true;
  CHECK(judged(c).decision == Decision::allow);
}

TEST_CASE("the last tier rule that matches wins") {
  Policy policy;
  policy.tiers = {{"*", "*", Tier::automatic},
                  {"service-*", "service:nginx.service", Tier::approve},
                  {"*", "service:db*", Tier::observe}};
  const Entity nginx{EntityKind::service, "nginx.service"}, db{EntityKind::service, "db.service"};
  CHECK(tier_of(policy, "service-restart", nginx) == Tier::approve);
  CHECK(tier_of(policy, "other", nginx) == Tier::automatic);
  CHECK(tier_of(policy, "service-restart", db) == Tier::observe);
  CHECK(tier_of(Policy{}, "service-restart", nginx) == Tier::observe);
}

TEST_CASE("what keeps a host reachable is never touched, whatever the policy says") {
  for (const char* unit : {"ssh.service", "sshd.service", "ssh@0-22.service", "systemd-journald.service",
                           "systemd-logind.service", "systemd-udevd.service", "dbus.service", "dbus-broker.service",
                           "init.scope", "polkit.service", "hostmedicd.service", "hostmedic-actuator.service",
                           "systemd-networkd.service", "NetworkManager.service", "user@1000.service"}) {
    CAPTURE(unit);
    Case c = allowed_case();
    c.order.plan.target.name = unit;
    c.policy.tiers = {{"*", "*", Tier::automatic}};
    c.now.approved_by = "uid 0 (root)";
    CHECK(answer_of(judged(c), "never-touch").decision == Decision::deny);
  }
  Case c = allowed_case();
  c.order.plan.target.name = "sshguard.service";
  CHECK(judged(c).decision == Decision::allow);
}

TEST_CASE("cool-down doubles with each action in the window, has an upper bound and resets after it") {
  Case c = allowed_case();
  c.policy.per_target = c.policy.per_runbook = c.policy.per_host = {100, 1h};
  const auto decision_after = [&](std::vector<Duration> ago) {
    c.now.history.clear();
    for (const Duration d : ago) c.now.history.push_back(past(c, d));
    return judged(c).decision;
  };
  CHECK(decision_after({30s}) == Decision::allow);
  CHECK(decision_after({10min, 59s}) == Decision::hold);
  CHECK(decision_after({10min, 60s}) == Decision::allow);
  CHECK(decision_after({20min, 10min, 119s}) == Decision::hold);
  CHECK(decision_after({20min, 10min, 120s}) == Decision::allow);
  CHECK(decision_after({2h, 90min, 30s}) == Decision::allow);  // the older ones have left the window
  const std::vector<Duration> many(12, 50min);
  CHECK(decision_after(many) == Decision::allow);  // 30 min at most
  std::vector<Duration> recent(12, 40min);
  recent.push_back(29min);
  CHECK(decision_after(recent) == Decision::hold);
}

TEST_CASE("what changed nothing uses up no limit") {
  Case c = allowed_case();
  for (const OutcomeResult result : {OutcomeResult::refused, OutcomeResult::unnecessary, OutcomeResult::expired})
    for (int i = 0; i < 30; ++i) {
      c.now.history.push_back(past(c, 1s + i * 1ms));
      c.now.history.back().key += std::to_string(static_cast<int>(result));
      c.now.history.back().result = result;
    }
  CHECK(judged(c).decision == Decision::allow);
  c.now.history.back().result = OutcomeResult::interrupted;
  CHECK(answer_of(judged(c), "cooldown").decision == Decision::hold);
}

TEST_CASE("exclusion windows: days, borders and midnight") {
  Case c = allowed_case();
  const auto decision_at = [&](ExclusionWindow window, WallTime at) {
    c.policy.exclusions = {window};
    c.now.now = c.order.issued_at = at;
    c.order.expires_at = at + 30s;
    return judged(c).decision;
  };
  const WallTime monday = kNow - (14h + 13min + 20s);                // 00:00
  const ExclusionWindow night{"night", 0x01, 22 * 60, 4 * 60, "*"};  // Monday night
  CHECK(decision_at(night, monday + 21h + 59min + 59s) == Decision::allow);
  CHECK(decision_at(night, monday + 22h) == Decision::deny);
  CHECK(decision_at(night, monday + 24h + 3h + 59min) == Decision::deny);
  CHECK(decision_at(night, monday + 24h + 4h) == Decision::allow);
  CHECK(decision_at(night, monday + 3h) == Decision::allow);  // that is Sunday night
  CHECK(decision_at(night, monday + 24h + 23h) == Decision::allow);
  CHECK(decision_at({"all", 0x40, 0, 1440, "*"}, monday - 1s) == Decision::deny);  // Sunday
  CHECK(decision_at({"all", 0x40, 0, 1440, "*"}, monday) == Decision::allow);
  CHECK(decision_at({"db", 0x7f, 0, 1440, "service:db*"}, monday) == Decision::allow);
}

TEST_CASE("the verdict names every rule that was as strict as the decision") {
  Case c = allowed_case();
  c.now.halted = true;
  c.now.halted_by = "root";
  c.policy.tier = Tier::observe;
  c.order.signals = 1;
  CHECK(judged(c).summary() == "denied by kill-switch: halted by root; by tier: tier is observe: would have done it");
}

TEST_CASE("an undo is the safe side: what limits actions does not limit it, what stops everything does") {
  for (const Stop& stop : stops()) {
    Case c = allowed_case();
    c.order.undoes = "00000000000000000000000f";
    stop.change(c);
    CAPTURE(stop.rule);
    CAPTURE(stop.reason);
    const auto rule = std::ranges::find(rules(), stop.rule, &RuleInfo::name);
    REQUIRE(rule != rules().end());
    // What it depends on may be under way; what it does itself may not be done twice.
    const bool around = stop.reason.find("on which it depends") != std::string::npos;
    CHECK(judged(c).decision == (rule->undo && !around ? stop.decision : Decision::allow));
  }
  std::vector<std::string_view> also;
  for (const RuleInfo& rule : rules())
    if (rule.undo) also.push_back(rule.name);
  CHECK(also == std::vector<std::string_view>{"kill-switch", "order-expiry", "in-flight", "protected", "log-root",
                                              "never-touch"});
}

TEST_CASE("while it is halted an undo needs a human's word, and anything else gets none") {
  Case c = allowed_case();
  c.now.halted = true;
  c.now.approved_by = "uid 0 (root)";
  CHECK(judged(c).decision == Decision::deny);
  c.order.undoes = "00000000000000000000000f";
  CHECK(judged(c).decision == Decision::allow);
  c.now.approved_by = "";
  CHECK(judged(c).decision == Decision::deny);
}

TEST_CASE("an action of this boot is as old as the boot's clock says, whatever the wall clock does") {
  Case c = allowed_case();
  c.now.boot = "b1";
  c.now.uptime = 10h;
  PastAction action = past(c, Duration{});
  action.boot = "b1";
  action.uptime = 10h - 20min;
  for (const Duration step : {-30min, -1min, 0min, 1min, 30min}) {
    action.at = kNow - 20min + step;
    CHECK(age_of(action, c.now) == 20min);
  }
  action.boot = "b0";  // of the boot before: only the wall clock is left
  action.at = kNow - 5min;
  CHECK(age_of(action, c.now) == 5min);
  action.at = kNow + 5min;
  CHECK(age_of(action, c.now) == Duration{});
  c.now.boot.clear();
  action.boot.clear();
  action.at = kNow - 5min;
  CHECK(age_of(action, c.now) == 5min);
}

TEST_CASE("peers that are never blocked, in all their spellings") {
  Policy policy;
  policy.never_block = {"aggregator.example", "192.0.2.*", "2001:db8::*"};
  for (const char* own : {"127.0.0.1", "127.8.9.1", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::FFFF:7f00:1",
                          "[::1]:443", "localhost", "LOCALHOST:80", "https://localhost/x", "0.0.0.0", "::", "::1%lo",
                          "127.0.0.0/8", "http://user@127.0.0.1:1/", "", "https://"}) {
    CAPTURE(own);
    CHECK(why_never_block(policy, own));
  }
  for (const char* listed : {"192.0.2.99", "https://Aggregator.Example:4318", "2001:DB8:0:0::5", "::ffff:192.0.2.1"}) {
    CAPTURE(listed);
    CHECK(why_never_block(policy, listed));
  }
  for (const char* other : {"198.51.100.1", "12.7.0.1", "2001:db9::1", "localhost-not.example", "::2"}) {
    CAPTURE(other);
    CHECK_FALSE(why_never_block(policy, other));
  }
}

TEST_CASE("the guard is a pure function") {
  for (const Stop& stop : stops()) {
    Case c = allowed_case();
    stop.change(c);
    const Verdict one = judged(c), two = judged(c);
    CHECK(one.summary() == two.summary());
    CHECK(one.answers.size() == two.answers.size());
  }
}
