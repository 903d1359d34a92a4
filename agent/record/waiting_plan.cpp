// SPDX-License-Identifier: Apache-2.0
#include "agent/record/waiting_plan.h"

#include <boost/json/array.hpp>

#include "agent/record/json_fields.h"
#include "agent/record/record_json.h"

namespace hostmedic {

boost::json::object to_json_object(const WaitingPlan& plan) {
  boost::json::array others;
  for (const Order& other : plan.others)
    if (others.size() < WaitingPlan::kMostOthers) others.push_back(to_json_object(other));
  return {{"incident_id", plan.incident_id},
          {"order", to_json_object(plan.order)},
          {"others", std::move(others)},
          {"expires_at_unix_nano", to_ns(plan.expires_at)},
          {"refused", plan.refused}};
}

Result<WaitingPlan> waiting_from_value(const boost::json::value& value, std::string_view where) {
  WaitingPlan out;
  JsonFields fields(value, std::string(where));
  fields.text("incident_id", out.incident_id, 64);
  fields.nested("order", out.order, order_from_value);
  fields.list("others", out.others, WaitingPlan::kMostOthers, order_from_value);
  fields.time("expires_at_unix_nano", out.expires_at);
  fields.text("refused", out.refused, 512);
  return fields.finish(std::move(out));
}

}  // namespace hostmedic
