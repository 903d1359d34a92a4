// SPDX-License-Identifier: Apache-2.0
// The forms of record.h as Boost.JSON values, for those who put them into a larger document. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "agent/record/record.h"

namespace hostmedic {

boost::json::object to_json_object(const Incident& incident);
boost::json::object to_json_object(const Plan& plan);
boost::json::object to_json_object(const Order& order);
boost::json::object to_json_object(const Verdict& verdict);
boost::json::object to_json_object(const Outcome& outcome);

// where names the place in errors ("order"); empty for the top of a document.
Result<Incident> incident_from_value(const boost::json::value& value, std::string_view where = {});
Result<Plan> plan_from_value(const boost::json::value& value, std::string_view where = {});
Result<Order> order_from_value(const boost::json::value& value, std::string_view where = {});
Result<Verdict> verdict_from_value(const boost::json::value& value, std::string_view where = {});
Result<Outcome> outcome_from_value(const boost::json::value& value, std::string_view where = {});

// Parses a document of at most `most` bytes and at most 16 levels; never throws.
Result<boost::json::value> parse_json(std::string_view text, std::size_t most = kMostRecordBytes);

}  // namespace hostmedic
