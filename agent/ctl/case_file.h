// SPDX-License-Identifier: Apache-2.0
// Everything the agent knows of one incident, as the control socket answers it: the incident, what was ordered and what
// came of it, what was recorded, what happened before. Plain values; texts are as they came and may be hostile.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.h"
#include "actions/response.h"
#include "agent/base/result.h"
#include "agent/ctl/spark.h"
#include "agent/store/similar.h"
#include "detect/model/incident.h"

namespace hostmedic {

// What was recorded of one signal around the incident, oldest first.
struct CaseTrace {
  Entity entity;
  std::string signal;
  Unit unit = Unit::count;
  std::vector<Point> points;
};
inline constexpr std::size_t kMostCaseTraces = 16;
inline constexpr std::size_t kMostCasePoints = 240;

struct CaseFile {
  Incident incident;
  std::vector<Order> orders;      // oldest first
  std::vector<Outcome> outcomes;  // matched to the orders by key
  std::optional<Proposal> proposal;
  std::vector<CaseTrace> traces;
  std::string no_traces;                // why there are none; empty: there are
  std::optional<SimilarCases> similar;  // absent: the agent did not say
};

// From the answers to `incident` and `proposals`.
Result<CaseFile> case_file_from(const boost::json::object& incident, const boost::json::object& proposals);

// The recording of an anomaly's signal; nullptr if there is none.
const CaseTrace* trace_of(const CaseFile& file, const Anomaly& anomaly);
// The last entry of a kind; nullptr if there is none.
const TimelineEntry* last_entry(const Incident& incident, TimelineKind kind);
std::string_view attribute_of(const TimelineEntry& entry, std::string_view key);

}  // namespace hostmedic
