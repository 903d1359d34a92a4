// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/case_json.h"

#include <boost/json/array.hpp>

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

}  // namespace hostmedic
