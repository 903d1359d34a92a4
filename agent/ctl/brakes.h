// SPDX-License-Identifier: Apache-2.0
// The brakes are set twice, in the daemon and in the actuator: neither trusts the other with them. One thread.
#pragma once

#include <string_view>

#include "agent/ctl/context.h"

namespace hostmedic {

struct Told {
  Answer daemon;
  Answer actuator;  // body is empty when it took the request
};
// Asks both, whatever the first says.
Told tell_both(Context& context, const boost::json::object& daemon, const ActuatorRequest& actuator);
Answer tell_actuator(Context& context, const ActuatorRequest& request);
// What its refusal, or its silence, means to the reader.
Failure failure_of_actuator(const Error& error);

// A line for each ("agent: halted", "actuator: ..."), with the failure's remedy where there is one.
void report(Context& context, const Told& told, std::string_view done);

}  // namespace hostmedic
