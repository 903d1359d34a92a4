// SPDX-License-Identifier: Apache-2.0
// What a runbook would do about an incident now, step by step, with nothing done: for whoever writes one. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/response.h"

namespace hostmedic {

struct RehearsedCondition {
  std::string condition, why;  // why: of a requirement
  std::optional<bool> holds;   // nullopt: not known, or not yet, as it looks back in time
  std::string text;            // with the numbers
};

struct RehearsedStep {
  int step = 0;
  std::string action;
  std::optional<Order> order;  // what would be asked of the guard
  std::string no_plan;         // why there is none
  Verdict verdict;             // of the order
  double expected = 0;         // share of success, by what came of it before
};

struct Rehearsal {
  std::string unfit;                                   // why the runbook does not treat the incident; empty: it does
  std::vector<RehearsedCondition> when, requirements;  // when: one at most
  std::vector<RehearsedStep> steps;
};

Rehearsal rehearse(const Runbook& runbook, const Incident& incident, const HostView& host, Now now,
                   const guard::Policy& policy, const Sources& sources, const Experience& experience);

}  // namespace hostmedic
