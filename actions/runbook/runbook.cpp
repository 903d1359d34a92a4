// SPDX-License-Identifier: Apache-2.0
#include "actions/runbook/runbook.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {

std::string_view to_string(Check::Subject subject) {
  switch (subject) {
    case Check::Subject::unit_active: return "unit_active";
    case Check::Subject::series_below: return "series_below";
    case Check::Subject::series_above: return "series_above";
    case Check::Subject::incident_quiet: return "incident_quiet";
    case Check::Subject::series_fell: return "series_fell";
    case Check::Subject::condition: return "condition";
    case Check::Subject::none: return "none";
  }
  return "?";  // uncovered: every enumerator has returned above
}

std::string_view to_string(Choice choice) { return choice == Choice::success ? "success" : "order"; }

std::string_view to_string(OnFailure on_failure) {
  switch (on_failure) {
    case OnFailure::next: return "next";
    case OnFailure::stop: return "stop";
    case OnFailure::escalate: return "escalate";
  }
  return "?";  // uncovered: every enumerator has returned above
}

bool fits(const Runbook& runbook, const Incident& incident) {
  return std::ranges::find(runbook.kinds, incident.kind) != runbook.kinds.end() &&
         glob_match(runbook.entity, to_string(incident.root));
}

// Those behind the chosen one are asked too, so that what looks back in time begins to look when the incident opens.
const Runbook* choose_runbook(std::span<const Runbook> runbooks, const Incident& incident, Conditions& conditions) {
  const Runbook* chosen = nullptr;
  for (const Runbook& runbook : runbooks) {
    if (!fits(runbook, incident)) continue;
    const bool holds = runbook.when.empty() || conditions.holds(runbook.when, incident.root).value_or(false);
    if (holds && chosen == nullptr) chosen = &runbook;
  }
  return chosen;
}

}  // namespace hostmedic
