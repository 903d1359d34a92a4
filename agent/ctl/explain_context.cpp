// SPDX-License-Identifier: Apache-2.0
// Parts of `hostmedic explain`: what else was going on, what was changed, and what happened before.
#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/explain_parts.h"

namespace hostmedic {

namespace {

std::string likeness_text(const SimilarCases& cases) {
  switch (cases.likeness) {
    case Likeness::none: return "never, as far as the store goes back";
    case Likeness::kind: return "not here; the same kind elsewhere on this host";
    case Likeness::root: return "the same kind here, with other signals";
    case Likeness::fingerprint: return "the same, with the same signals";
  }
  return {};
}

std::string before_text(const SimilarCases& cases, const Look& look) {
  std::string out = likeness_text(cases);
  if (cases.count == 0) return out;
  out += strf(": %lld time%s", static_cast<long long>(cases.count), cases.count == 1 ? "" : "s");
  if (cases.incidents.empty()) return out;
  const PastIncident& last = cases.incidents.front();
  out += ", last " + relative(last.opened_at, look.now) + " (" + safe(last.id, 32) + ", " +
         std::string(to_string(last.state));
  if (last.lasted) out += " after " + format_duration(*last.lasted);
  return out + ")";
}

std::string treatments_text(const View& view, const SimilarCases& cases) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  std::size_t shown = 0;
  for (const PastTreatment& one : cases.treatments)
    if (shown++ < view.rows(3))
      add(safe(one.what, view.text(120)) + (one.proved == 0 ? strf(": %d times, never proved to help", one.given)
                                                            : strf(": helped %d of %d times", one.proved, one.given)));
  if (cases.untreated_resolved > 0) add(strf("%d ended without an order", cases.untreated_resolved));
  if (out.empty() && cases.count > 0) add("nothing was tried");
  return out;
}

}  // namespace

std::string context_part(const View& view) {
  const Incident& incident = view.incident();
  if (incident.context.empty() && incident.changes.empty()) return {};
  std::string out = section(view.look, "Context"), nothing;
  for (const ContextCheck& check : incident.context) {
    const std::string what = safe(check.what, 64);
    // Said below, with when and how likely.
    const bool told = std::ranges::any_of(incident.changes, [&](const RecentChange& change) {
      return !change.text.empty() && check.found.starts_with(change.text);
    });
    if (told) continue;
    if (check.found.empty())
      nothing += (nothing.empty() ? "" : ", ") + what;
    else
      out += field(view.look, "  found", what + ": " + safe(check.found, view.text(240)));
  }
  for (const RecentChange& change : incident.changes)
    out += field(view.look, "  changed",
                 safe(change.text, view.text(240)) + ", " + format_duration(incident.fault_at - change.at) +
                     strf(" before: %.0f%% likely the cause", 100 * change.probability),
                 change.probability >= 0.5 ? Tone::warning : Tone::plain);
  if (!nothing.empty()) out += field(view.look, "  not found", nothing);
  return out;
}

std::string past_part(const View& view) {
  if (!view.file.similar) return {};
  const SimilarCases& cases = *view.file.similar;
  std::string out = section(view.look, "Seen before");
  out += "  " + wrap(view.look, before_text(cases, view.look), 2) + "\n";
  const std::string treatments = treatments_text(view, cases);
  if (!treatments.empty()) out += field(view.look, "  tried", treatments);
  if (!view.full()) return out;
  Table table({}, 2);
  for (const PastIncident& past : cases.incidents)
    table.add({{safe(past.id, 32)},
               {clock_time(past.opened_at, view.look.now), Tone::dim},
               {std::string(to_string(past.state))},
               {safe(past.summary)}});
  return out + table.render(view.look);
}

}  // namespace hostmedic
