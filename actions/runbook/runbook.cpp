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
  }
  return "?";
}

std::optional<Check::Subject> check_subject_from(std::string_view text) {
  using enum Check::Subject;
  for (const Check::Subject subject : {unit_active, series_below, series_above, incident_quiet, series_fell})
    if (to_string(subject) == text) return subject;
  return std::nullopt;
}

std::string_view to_string(OnFailure on_failure) {
  switch (on_failure) {
    case OnFailure::next: return "next";
    case OnFailure::stop: return "stop";
    case OnFailure::escalate: return "escalate";
  }
  return "?";
}

std::optional<OnFailure> on_failure_from(std::string_view text) {
  for (const OnFailure on_failure : {OnFailure::next, OnFailure::stop, OnFailure::escalate})
    if (to_string(on_failure) == text) return on_failure;
  return std::nullopt;
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
