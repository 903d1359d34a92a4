// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/plot_marks.h"

#include <algorithm>
#include <array>

#include "agent/ctl/case_file.h"

namespace hostmedic {

namespace {

struct MarkKind {
  TimelineKind kind;
  std::string_view css, word;
};
// What is only talk (plans, verdicts, notes) is in `hostmedic explain`.
constexpr std::array kKinds{
    MarkKind{TimelineKind::opened, "m-seen", "noticed"},     MarkKind{TimelineKind::evidence, "m-seen", "evidence"},
    MarkKind{TimelineKind::approval, "m-human", "human"},    MarkKind{TimelineKind::human, "m-human", "human"},
    MarkKind{TimelineKind::ordered, "m-act", "ordered"},     MarkKind{TimelineKind::acted, "m-act", "acted"},
    MarkKind{TimelineKind::undone, "m-act", "undone"},       MarkKind{TimelineKind::verified, "m-good", "verified"},
    MarkKind{TimelineKind::escalated, "m-bad", "escalated"}, MarkKind{TimelineKind::cleared, "m-good", "quiet"},
    MarkKind{TimelineKind::resolved, "m-good", "resolved"},
};

}  // namespace

std::vector<Mark> marks_of(const Incident& incident, std::size_t most) {
  std::vector<Mark> marks{{incident.fault_at, "m-fault", "fault", "the first signal departed"}};
  for (const RecentChange& change : incident.changes) marks.push_back({change.at, "m-change", "change", change.text});
  for (const Anomaly& anomaly : incident.anomalies)
    if (!anomaly.value) marks.push_back({anomaly.since_wall, "m-seen", "event", anomaly.evidence});
  for (const TimelineEntry& entry : incident.timeline) {
    const auto known = std::ranges::find(kKinds, entry.kind, &MarkKind::kind);
    if (known == kKinds.end()) continue;
    // An event or a curve shows it, at the time it began and not when it was noticed.
    if (entry.kind == TimelineKind::evidence &&
        std::ranges::find(incident.anomalies, entry.text, &Anomaly::evidence) != incident.anomalies.end())
      continue;
    const bool failed = attribute_of(entry, "result") == "failed";
    marks.push_back({entry.at, failed ? "m-bad" : known->css, failed ? "no proof" : known->word, entry.text});
  }
  std::ranges::stable_sort(marks, {}, &Mark::at);
  if (marks.size() > most)
    marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(most / 2),
                marks.end() - static_cast<std::ptrdiff_t>(most - most / 2));
  return marks;
}

}  // namespace hostmedic
