// SPDX-License-Identifier: Apache-2.0
#include "agent/store/similar.h"

#include <algorithm>
#include <array>

#include "agent/store/agent_store.h"

namespace hostmedic {

namespace {

constexpr std::array<std::string_view, 4> kLikeness{"none", "kind", "root", "fingerprint"};

// Whether anything was done: an order that was refused, or came too late, had no effect.
bool had_effect(const OrderRow& row) {
  if (!row.outcome) return false;
  const OutcomeResult result = row.outcome->result;
  return result == OutcomeResult::done || result == OutcomeResult::failed || result == OutcomeResult::timed_out ||
         result == OutcomeResult::interrupted;
}

// Whether the signals proved this order: the first entry of that kind between it and the next order.
bool was_proved(const Incident& incident, const std::string& key) {
  bool mine = false;
  for (const TimelineEntry& entry : incident.timeline) {
    const auto attribute = [&](std::string_view name) -> std::string_view {
      for (const Attribute& one : entry.attributes)
        if (one.key == name) return one.value;
      return {};
    };
    if (entry.kind == TimelineKind::ordered) mine = attribute("order") == key;
    if (mine && entry.kind == TimelineKind::verified) return attribute("result") != "failed";
  }
  return false;
}

}  // namespace

std::string_view to_string(Likeness likeness) { return kLikeness[static_cast<std::size_t>(likeness)]; }

std::optional<Likeness> likeness_from(std::string_view text) {
  const auto found = std::ranges::find(kLikeness, text);
  if (found == kLikeness.end()) return std::nullopt;
  return static_cast<Likeness>(found - kLikeness.begin());
}

void add_past(SimilarCases& cases, const Incident& incident, std::span<const OrderRow> orders) {
  ++cases.read;
  bool treated = false;
  for (const OrderRow& row : orders) {
    if (!had_effect(row)) continue;
    treated = true;
    // Of other entities only the kind of treatment is comparable.
    const std::string& what = cases.likeness == Likeness::kind ? row.order.plan.action : row.order.plan.what;
    auto known = std::ranges::find(cases.treatments, what, &PastTreatment::what);
    if (known == cases.treatments.end()) {
      if (cases.treatments.size() == SimilarCases::kMostRead) continue;
      known = cases.treatments.insert(known, {.what = what});
    }
    ++known->given;
    known->proved += was_proved(incident, row.order.key) ? 1 : 0;
  }
  if (!treated && incident.state == IncidentState::resolved) ++cases.untreated_resolved;
  if (cases.incidents.size() == SimilarCases::kMostShown) return;
  PastIncident past{.id = incident.id,
                    .root = incident.root,
                    .state = incident.state,
                    .opened_at = incident.opened_at,
                    .lasted = {},
                    .summary = incident.summary,
                    .treated = treated};
  if (incident.closed_at) past.lasted = *incident.closed_at - incident.fault_at;
  cases.incidents.push_back(std::move(past));
}

}  // namespace hostmedic
