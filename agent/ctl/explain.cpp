// SPDX-License-Identifier: Apache-2.0
// `hostmedic explain`: what it is, since when, and the whole of it.
#include "agent/ctl/explain.h"

#include "agent/base/text.h"
#include "agent/ctl/explain_parts.h"
#include "agent/ctl/incidents.h"
#include "detect/correlate/explain.h"

namespace hostmedic {

namespace {

std::string causes(const Incident& incident) {
  std::string out;
  for (const Entity& entity : incident.causes)
    if (entity != incident.root) out += (out.empty() ? "" : ", ") + safe(entity);
  return out;
}

std::string certainty(const Incident& incident) {
  if (incident.suspicion) return "nothing independent confirms it yet, so nobody is told";
  if (incident.proof) return "one signal is proof by itself";
  if (incident.signals > 1) return strf("confirmed by %d independent signals", incident.signals);
  return {};
}

// Where the decimal places and the unit begin to differ is of no interest: "12" of "12/s".
std::string_view number_part(std::string_view text) { return text.substr(0, text.find_first_not_of("-+.0123456789")); }

}  // namespace

std::string safe(std::string_view text, std::size_t most) { return printable(text, most); }
std::string safe(const Entity& entity) { return safe(to_string(entity), 300); }

std::string section(const Look& look, std::string_view title) { return "\n" + paint(look, Tone::strong, title) + "\n"; }

std::string and_more(const View& view, std::size_t all, std::size_t shown) {
  if (all <= shown) return {};
  return "  " + paint(view.look, Tone::dim, strf("and %zu more: --verbose", all - shown)) + "\n";
}

std::string range_text(double low, double high, Unit unit) {
  const std::string from = detect::format_value(low, unit), to = detect::format_value(high, unit);
  if (from == to) return to;
  const std::string_view number = number_part(from);
  const bool same_unit = from.substr(number.size()) == to.substr(number_part(to).size());
  return (same_unit ? std::string(number) : from) + (low < 0 ? " to " : "-") + to;
}

std::string head_part(const View& view) {
  const Incident& incident = view.incident();
  const Look& look = view.look;
  // The time is said below, and how long ago that was.
  std::string summary = safe(incident.summary, view.text(300));
  const std::string since_when = ", since " + format_utc(incident.fault_at);
  if (summary.ends_with(since_when)) summary.resize(summary.size() - since_when.size());
  std::string out = paint(look, Tone::strong, wrap(look, summary, 0)) + "\n";
  const auto line = [&](std::string_view label, const std::string& text, Tone tone = Tone::plain) {
    if (!text.empty()) out += field(look, label, text, tone);
  };
  line("incident", safe(incident.id, 32) + ", " + safe(incident.kind, 64));
  const std::string sure = certainty(incident);
  line("state",
       std::string(incident.suspicion ? "suspicion" : to_string(incident.state)) + ", severity " +
           std::string(to_string(incident.severity)) + strf(", %.0f%% sure", 100 * incident.confidence) +
           (sure.empty() ? "" : "; " + sure),
       incident.suspicion ? Tone::warning : tone_of(incident.state));
  if (incident.flaps > 0)
    line("",
         strf("%s: it fell quiet and came back %d time%s", incident.flapping ? "flapping" : "unsteady", incident.flaps,
              incident.flaps == 1 ? "" : "s"),
         Tone::warning);
  if (!incident.acknowledged_by.empty()) line("known to", safe(incident.acknowledged_by, 64));
  if (!incident.part_of.empty())
    line("part of", safe(incident.part_of, 32) + ", which explains it: hostmedic explain " + safe(incident.part_of, 32),
         Tone::warning);
  std::string since = clock_time(incident.fault_at, look.now) + ", " + relative(incident.fault_at, look.now) +
                      "; noticed " + format_duration(incident.opened_at - incident.fault_at) + " later";
  if (incident.closed_at)
    since += "; over " + format_duration(*incident.closed_at - incident.fault_at) + " after it began";
  line("since", since);
  line("root", safe(incident.root));
  line("caused by", causes(incident));
  line("diagnosis", safe(incident.diagnosis, view.text(400)));
  return out;
}

std::string render_case(const CaseFile& file, const Look& look, Extent extent) {
  const View view{file, look, extent};
  std::string out = head_part(view) + root_part(view) + affected_part(view) + evidence_part(view) + context_part(view) +
                    past_part(view) + plan_part(view) + guard_part(view) + orders_part(view) + timeline_part(view) +
                    section(look, "What happens next");
  for (const std::string& sentence : what_next(file, look)) out += "  " + wrap(look, sentence, 2) + "\n";
  return out;
}

}  // namespace hostmedic
