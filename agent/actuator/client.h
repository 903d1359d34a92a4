// SPDX-License-Identifier: Apache-2.0
// Asking the actuator: one connection per question, blocking up to a deadline. Any thread that may block.
#pragma once

#include <optional>
#include <string>

#include "agent/actuator/wire.h"

namespace hostmedic {

// An answer with ok == false comes back as an error with the actuator's code and words. Error timeout: no answer in
// time; not_found: nobody listens there.
Result<ActuatorAnswer> ask_actuator(const std::string& socket_path, const ActuatorRequest& request, Duration deadline);

// Waits for the order's end. When the actuator dies meanwhile, its next life is asked what came of the order; the
// order itself is sent once only.
Result<Outcome> execute_order(const std::string& socket_path, const Order& order);
// What came of an order, waiting for one that runs; nullopt: the actuator never began it, or it has no end yet.
Result<std::optional<Outcome>> query_outcome(const std::string& socket_path, const std::string& key);

}  // namespace hostmedic
