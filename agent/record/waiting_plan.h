// SPDX-License-Identifier: Apache-2.0
// A plan that waits for a human, as the agent tells of it: on its control socket, and to the fleet's aggregator. Pure;
// any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct WaitingPlan {
  std::string incident_id;
  Order order;
  std::vector<Order> others;  // of the same runbook, which may be approved instead; at most kMostOthers
  WallTime expires_at;
  std::string refused;                           // why the last word from afar was not taken; empty: there was none
  static constexpr std::size_t kMostOthers = 8;  // as many as a runbook has steps
};

boost::json::object to_json_object(const WaitingPlan& plan);
// limit, malformed: where says which field.
Result<WaitingPlan> waiting_from_value(const boost::json::value& value, std::string_view where = {});

}  // namespace hostmedic
