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
  return "?";
}

std::string_view to_string(Choice choice) { return choice == Choice::success ? "success" : "order"; }

std::string_view to_string(OnFailure on_failure) {
  switch (on_failure) {
    case OnFailure::next: return "next";
    case OnFailure::stop: return "stop";
    case OnFailure::escalate: return "escalate";
  }
  return "?";
}

const Runbook* choose_runbook(std::span<const Runbook> runbooks, const Incident& incident) {
  const std::string root = to_string(incident.root);
  for (const Runbook& runbook : runbooks) {
    if (std::find(runbook.kinds.begin(), runbook.kinds.end(), incident.kind) == runbook.kinds.end()) continue;
    if (glob_match(runbook.entity, root)) return &runbook;
  }
  return nullptr;
}

}  // namespace hostmedic
