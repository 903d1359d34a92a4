// SPDX-License-Identifier: Apache-2.0
// What the tests of the guard share: an order that everything allows, and what was done before.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "actions/guard/guard.h"

namespace hostmedic::test {

using namespace hostmedic::guard;
using namespace std::chrono_literals;

inline const WallTime kNow = wall_from_ns(1'790'000'000'000'000'000);  // 2026-09-21 14:13:20 UTC, a Monday

struct Case {
  Policy policy;
  Order order;
  Circumstances now;
};

// Everything is in order: the guard allows it.
inline Case allowed_case() {
  Case c;
  c.policy.tier = Tier::automatic;
  c.order.key = "000000000000000000000001";
  c.order.incident_id = "1";
  c.order.incident_kind = "service.failed";
  c.order.runbook = "service-restart";
  c.order.plan.action = "service.restart";
  c.order.plan.target = {EntityKind::service, "nginx.service"};
  c.order.confidence = 0.99;
  c.order.signals = 2;
  c.order.issued_at = kNow;
  c.order.expires_at = kNow + 30s;
  c.now.now = kNow;
  c.now.uptime = 1h;
  c.now.target = TargetState::faulty;
  c.now.entities_of_kind = 100;
  return c;
}

inline Verdict judged(const Case& c) { return judge(c.policy, c.order, c.now); }

inline const RuleAnswer& answer_of(const Verdict& verdict, std::string_view rule) {
  const auto found = std::find_if(verdict.answers.begin(), verdict.answers.end(),
                                  [&](const RuleAnswer& answer) { return answer.rule == rule; });
  REQUIRE(found != verdict.answers.end());
  return *found;
}

inline PastAction past(const Case& c, Duration ago) {
  PastAction action;
  action.key = "past-" + std::to_string(to_ns(ago));
  action.target = c.order.plan.target;
  action.runbook = c.order.runbook;
  action.action = c.order.plan.action;
  action.at = c.now.now - ago;
  action.finished = true;
  action.result = OutcomeResult::done;
  return action;
}

inline PastAction elsewhere(const Case& c, Duration ago, const std::string& runbook) {
  PastAction action = past(c, ago);
  action.key += runbook;
  action.target = {EntityKind::service, "other" + std::to_string(to_ns(ago)) + ".service"};
  action.runbook = runbook;
  return action;
}

}  // namespace hostmedic::test
