// SPDX-License-Identifier: Apache-2.0
// The text of `hostmedic status`, made of the daemon's answers. Pure; any thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "agent/actuator/wire.h"
#include "agent/ctl/terminal.h"

namespace hostmedic {

// probes: the items of `list probes`.
std::string render_status(const boost::json::object& status, const boost::json::array& probes, const Look& look);
// What only the actuator knows: measures in force, runbooks that disarmed themselves.
std::string render_actuator(const ActuatorStatus& status, const Look& look);
// Something that should work does not. A halt, a maintenance window and open incidents are no degradation.
bool status_degraded(const boost::json::object& status, const boost::json::array& probes);

}  // namespace hostmedic
