// SPDX-License-Identifier: Apache-2.0
#include "detect/model/incident.h"

#include <array>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {
constexpr std::array<std::string_view, 4> kSeverities{"info", "warning", "error", "critical"};
constexpr std::array<std::string_view, 3> kDirections{"none", "above", "below"};
constexpr std::array<std::string_view, 6> kStates{"open", "acting", "verifying", "resolved", "escalated", "suppressed"};
constexpr std::array<std::string_view, 15> kTimelineKinds{
    "opened",   "evidence", "diagnosed", "planned", "verdict",  "approval", "ordered", "acted",
    "verified", "undone",   "escalated", "cleared", "resolved", "human",    "note",
};
constexpr std::string_view kLeftOut = "count";

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : "unknown";
}
template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}
}  // namespace

std::string_view to_string(Severity severity) { return name_of(kSeverities, severity); }
std::optional<Severity> severity_from(std::string_view text) { return value_of<Severity>(kSeverities, text); }
std::string_view to_string(Direction direction) { return name_of(kDirections, direction); }
std::string_view to_string(IncidentState state) { return name_of(kStates, state); }
std::optional<IncidentState> incident_state_from(std::string_view text) {
  return value_of<IncidentState>(kStates, text);
}
std::string_view to_string(TimelineKind kind) { return name_of(kTimelineKinds, kind); }
std::optional<TimelineKind> timeline_kind_from(std::string_view text) {
  return value_of<TimelineKind>(kTimelineKinds, text);
}

void add_timeline(Incident& incident, WallTime at, TimelineKind kind, std::string text,
                  std::vector<Attribute> attributes) {
  std::vector<TimelineEntry>& timeline = incident.timeline;
  if (timeline.size() < kMostTimeline) {
    timeline.push_back({at, kind, std::move(text), std::move(attributes)});
    return;
  }
  // Full: the last entry gives its place to the note that says how many are missing and what came last.
  TimelineEntry& last = timeline.back();
  std::uint64_t left_out = 1;  // the entry that the note replaces
  if (last.kind == TimelineKind::note && last.attributes.size() == 1 && last.attributes[0].key == kLeftOut)
    left_out = parse_u64(last.attributes[0].value).value_or(1);
  ++left_out;
  const std::string count = strf("%llu", static_cast<unsigned long long>(left_out));
  last = {
      at, TimelineKind::note, count + " entries were left out, the latest: " + text, {{std::string(kLeftOut), count}}};
}

}  // namespace hostmedic
