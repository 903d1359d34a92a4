// SPDX-License-Identifier: Apache-2.0
// `hostmedic incidents`: one line each, newest first.
#include "agent/ctl/incidents.h"

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

std::string render_incidents(const json::array& incidents, const Look& look) {
  Table table({"INCIDENT", "OPENED", "STATE", "SEVERITY", "SURE", "WHAT"});
  std::size_t unreadable = 0;
  for (const json::value& one : incidents) {
    const auto incident = incident_from_value(one);
    if (!incident) {
      ++unreadable;
      continue;
    }
    table.add({{printable(incident->id, 32), Tone::strong},
               {relative(incident->opened_at, look.now)},
               {std::string(to_string(incident->state)), tone_of(incident->state)},
               {std::string(to_string(incident->severity)), tone_of(incident->severity)},
               {strf("%.0f%%", 100 * incident->confidence)},
               {printable(incident->kind, 64) + " on " + printable(to_string(incident->root), 300)}});
  }
  std::string out = table.empty() ? "" : table.render(look);
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
    context.out << render_incidents(incidents, context.look);
  }
  return Exit::fine;
}

}  // namespace hostmedic
