// SPDX-License-Identifier: Apache-2.0
#include "actions/rehearsal.h"

#include <algorithm>

#include "actions/course.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

std::string why_unfit(const Runbook& runbook, const Incident& incident) {
  if (std::ranges::find(runbook.kinds, incident.kind) == runbook.kinds.end())
    return "it does not treat incidents of the kind " + incident.kind;
  if (!fits(runbook, incident)) return to_string(incident.root) + " does not match '" + runbook.entity + "'";
  return {};
}

}  // namespace

Rehearsal rehearse(const Runbook& runbook, const Incident& incident, const HostView& host, Now now,
                   const guard::Policy& policy, const Sources& sources, const Experience& experience) {
  Rehearsal all;
  all.unfit = why_unfit(runbook, incident);
  const auto ask = [&](const std::string& condition, const std::string& why) {
    return RehearsedCondition{condition, why, sources.conditions.holds(condition, incident.root),
                              sources.conditions.explain(condition, incident.root)};
  };
  if (!runbook.when.empty()) all.when.push_back(ask(runbook.when, ""));
  for (const Requirement& one : runbook.requirements) all.requirements.push_back(ask(one.condition, one.why));
  for (int i = 0; i < static_cast<int>(runbook.steps.size()); ++i) {
    const Step& step = runbook.steps[static_cast<std::size_t>(i)];
    RehearsedStep& made = all.steps.emplace_back();
    made.step = i;
    made.action = step.action;
    made.expected = experience.expected(incident.fingerprint, incident.kind, step.action, now.wall);
    if (step.action == kNotifyStep) {
      made.no_plan = "tells people: " + notice_of(step);
      continue;
    }
    auto plan = plan_step(step, incident, host);
    if (!plan) {
      made.no_plan = plan.error().message();
      continue;
    }
    Order& order = made.order.emplace(order_of(runbook, i, *std::move(plan), incident, experience, now.wall));
    order.key = order_key(order, 0);
    made.verdict = judge_under(runbook.ceiling, order, policy, sources.circumstances(order));
  }
  return all;
}

}  // namespace hostmedic
