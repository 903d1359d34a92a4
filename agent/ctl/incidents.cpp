// SPDX-License-Identifier: Apache-2.0
// `hostmedic incidents`: one line each, newest first, suspicions after the others.
#include "agent/ctl/incidents.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

Tone tone_of(Severity severity) {
  switch (severity) {
    case Severity::info: return Tone::plain;
    case Severity::warning: return Tone::warning;
    case Severity::error:
    case Severity::critical: return Tone::bad;
  }
  return Tone::plain;
}

Tone tone_of(IncidentState state) {
  switch (state) {
    case IncidentState::open:
    case IncidentState::acting:
    case IncidentState::verifying: return Tone::warning;
    case IncidentState::resolved: return Tone::good;
    case IncidentState::escalated: return Tone::bad;
    case IncidentState::suppressed: return Tone::dim;
  }
  return Tone::plain;
}

namespace {

// Suspicions are dim: nobody was told of them.
std::vector<Cell> row_of(const Incident& incident, const Look& look) {
  std::string what = printable(incident.kind, 64) + " on " + printable(to_string(incident.root), 300);
  if (incident.flaps > 0) what += strf(", came back %d time%s", incident.flaps, incident.flaps == 1 ? "" : "s");
  if (!incident.acknowledged_by.empty()) what += ", known to " + printable(incident.acknowledged_by, 64);
  if (!incident.part_of.empty()) what += ", part of " + printable(incident.part_of, 32);
  const bool dim = incident.suspicion;
  return {{printable(incident.id, 32), dim ? Tone::dim : Tone::strong},
          {relative(incident.opened_at, look.now), dim ? Tone::dim : Tone::plain},
          {dim ? "suspicion" : std::string(to_string(incident.state)), dim ? Tone::dim : tone_of(incident.state)},
          {std::string(to_string(incident.severity)), dim ? Tone::dim : tone_of(incident.severity)},
          {strf("%.0f%%", 100 * incident.confidence), dim ? Tone::dim : Tone::plain},
          {what, dim ? Tone::dim : Tone::plain}};
}

}  // namespace

std::string render_incidents(const json::array& incidents, const Look& look, bool all) {
  std::vector<Incident> rows;
  std::size_t unreadable = 0, parts = 0;
  for (const json::value& one : incidents) {
    auto incident = incident_from_value(one);
    if (!incident)
      ++unreadable;
    else if (!all && !incident->part_of.empty())
      ++parts;
    else
      rows.push_back(std::move(*incident));
  }
  std::ranges::stable_partition(rows, [](const Incident& incident) { return !incident.suspicion; });
  Table table({"INCIDENT", "OPENED", "STATE", "SEVERITY", "SURE", "WHAT"});
  for (const Incident& incident : rows) table.add(row_of(incident, look));
  std::string out = table.empty() ? "" : table.render(look);
  if (parts > 0) out += strf("and %zu that others explain: hostmedic incidents --all\n", parts);
  if (unreadable > 0) out += strf("%zu more could not be read: written by another version?\n", unreadable);
  return out;
}

Exit list_incidents(Context& context, bool all, int limit) {
  Answer answer = ask_daemon(context.ask, {{"verb", "incidents"}, {"all", all}, {"limit", limit}});
  if (!answer.body) return fail(context, answer.failure);
  const json::array& incidents = array_at(*answer.body, "incidents");
  if (context.json) {
    write_json(context, incidents);
  } else if (incidents.empty()) {
    say(context, all ? "No incidents." : "No open incidents; earlier ones: hostmedic incidents --all");
  } else {
    context.out << render_incidents(incidents, context.look, all);
  }
  return Exit::fine;
}

}  // namespace hostmedic
