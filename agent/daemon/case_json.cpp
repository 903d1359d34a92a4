// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/case_json.h"

namespace hostmedic {

namespace json = boost::json;

json::object similar_json(const SimilarCases& cases) {
  json::array incidents, treatments;
  for (const PastIncident& past : cases.incidents) {
    json::value lasted = nullptr;
    if (past.lasted) lasted = to_ns(*past.lasted);
    incidents.push_back({{"id", past.id},
                         {"root", to_string(past.root)},
                         {"state", to_string(past.state)},
                         {"opened_at_unix_nano", to_ns(past.opened_at)},
                         {"lasted_nano", std::move(lasted)},
                         {"summary", past.summary},
                         {"treated", past.treated}});
  }
  for (const PastTreatment& one : cases.treatments)
    treatments.push_back({{"what", one.what}, {"given", one.given}, {"proved", one.proved}});
  return {{"likeness", to_string(cases.likeness)},
          {"count", cases.count},
          {"read", cases.read},
          {"untreated_resolved", cases.untreated_resolved},
          {"incidents", std::move(incidents)},
          {"treatments", std::move(treatments)}};
}

json::array traces_json(const std::vector<Trace>& traces) {
  json::array out;
  for (const Trace& trace : traces) {
    json::array points;
    for (const auto& [at, value] : trace.points) points.push_back(json::array{to_ns(at) / 1'000'000, value});
    out.push_back({{"entity", to_string(trace.entity)},
                   {"signal", trace.signal},
                   {"unit", to_string(trace.unit)},
                   {"points", std::move(points)}});
  }
  return out;
}

}  // namespace hostmedic
