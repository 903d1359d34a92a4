// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/case_file.h"

#include <algorithm>
#include <cmath>

#include "agent/ctl/ask.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

std::optional<double> as_number(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.to_number<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

// A trace that cannot be read costs itself only.
std::vector<CaseTrace> traces_from(const json::object& answer) {
  std::vector<CaseTrace> traces;
  for (const json::value& one : array_at(answer, "traces")) {
    const json::object* row = one.if_object();
    if (row == nullptr || traces.size() == kMostCaseTraces) continue;
    const auto entity = entity_from(text_at(*row, "entity"));
    const auto unit = unit_from(text_at(*row, "unit", 32));
    if (!entity || !unit) continue;
    CaseTrace trace{*entity, text_at(*row, "signal", 1024), *unit, {}};
    for (const json::value& pair : array_at(*row, "points")) {
      const json::array* point = pair.if_array();
      if (point == nullptr || point->size() != 2 || trace.points.size() == kMostCasePoints) continue;
      const json::value& at = (*point)[0];
      const auto value = as_number((*point)[1]);
      // Milliseconds of no calendar would not fit in nanoseconds.
      constexpr std::int64_t kLatest = 9'000'000'000'000;
      if (!at.is_int64() || at.get_int64() <= 0 || at.get_int64() > kLatest || !value) continue;
      trace.points.push_back({WallTime(std::chrono::milliseconds(at.get_int64())), *value});
    }
    std::ranges::stable_sort(trace.points, {}, &Point::at);
    traces.push_back(std::move(trace));
  }
  return traces;
}

PastIncident past_from(const json::object& row) {
  PastIncident past;
  past.id = text_at(row, "id", 64);
  past.root = entity_from(text_at(row, "root")).value_or(Entity{});
  past.state = incident_state_from(text_at(row, "state", 32)).value_or(IncidentState::open);
  past.opened_at = time_at(row, "opened_at_unix_nano").value_or(WallTime{});
  if (const auto lasted = integer_at(row, "lasted_nano")) past.lasted = Duration(*lasted);
  past.summary = text_at(row, "summary", 1024);
  past.treated = flag_at(row, "treated");
  return past;
}

std::optional<SimilarCases> similar_from(const json::object& answer) {
  const json::object& object = object_at(answer, "similar");
  const auto likeness = likeness_from(text_at(object, "likeness", 32));
  if (!likeness) return std::nullopt;
  SimilarCases cases;
  cases.likeness = *likeness;
  cases.count = integer_at(object, "count").value_or(0);
  cases.read = integer_at(object, "read").value_or(0);
  cases.untreated_resolved = static_cast<int>(integer_at(object, "untreated_resolved").value_or(0));
  for (const json::value& one : array_at(object, "incidents"))
    if (one.is_object() && cases.incidents.size() < SimilarCases::kMostShown)
      cases.incidents.push_back(past_from(one.get_object()));
  for (const json::value& one : array_at(object, "treatments")) {
    if (!one.is_object() || cases.treatments.size() == SimilarCases::kMostRead) continue;
    const json::object& row = one.get_object();
    cases.treatments.push_back({.what = text_at(row, "what"),
                                .given = static_cast<int>(integer_at(row, "given").value_or(0)),
                                .proved = static_cast<int>(integer_at(row, "proved").value_or(0))});
  }
  return cases;
}

}  // namespace

Result<CaseFile> case_file_from(const json::object& incident, const json::object& proposals) {
  CaseFile file;
  const json::value* value = incident.if_contains("incident");
  if (value == nullptr) return make_error(ErrorCode::malformed, "the answer has no incident");
  auto read = incident_from_value(*value, "incident");
  if (!read) return std::move(read).error();
  file.incident = std::move(*read);
  for (const json::value& one : array_at(incident, "orders")) {
    auto order = order_from_value(one, "order");
    if (!order) return std::move(order).error();
    file.orders.push_back(std::move(*order));
  }
  std::stable_sort(file.orders.begin(), file.orders.end(),
                   [](const Order& a, const Order& b) { return a.issued_at < b.issued_at; });
  for (const json::value& one : array_at(incident, "outcomes")) {
    auto outcome = outcome_from_value(one, "outcome");
    if (!outcome) return std::move(outcome).error();
    file.outcomes.push_back(std::move(*outcome));
  }
  for (const json::value& one : array_at(proposals, "proposals")) {
    const json::object* row = one.if_object();
    if (row == nullptr || text_at(*row, "incident_id", 64) != file.incident.id || !row->contains("order")) continue;
    auto order = order_from_value(*row->if_contains("order"), "proposal");
    if (!order) return std::move(order).error();
    file.proposal =
        Proposal{file.incident.id, std::move(*order), time_at(*row, "expires_at_unix_nano").value_or(WallTime{})};
  }
  file.traces = traces_from(incident);
  file.no_traces = text_at(incident, "no_traces");
  file.similar = similar_from(incident);
  return file;
}

const CaseTrace* trace_of(const CaseFile& file, const Anomaly& anomaly) {
  const auto found = std::ranges::find_if(file.traces, [&](const CaseTrace& trace) {
    return trace.entity == anomaly.entity && trace.signal == anomaly.signal && !trace.points.empty();
  });
  return found == file.traces.end() ? nullptr : &*found;
}

const TimelineEntry* last_entry(const Incident& incident, TimelineKind kind) {
  const auto found = std::find_if(incident.timeline.rbegin(), incident.timeline.rend(),
                                  [&](const TimelineEntry& entry) { return entry.kind == kind; });
  return found == incident.timeline.rend() ? nullptr : &*found;
}

std::string_view attribute_of(const TimelineEntry& entry, std::string_view key) {
  for (const Attribute& attribute : entry.attributes)
    if (attribute.key == key) return attribute.value;
  return {};
}

}  // namespace hostmedic
