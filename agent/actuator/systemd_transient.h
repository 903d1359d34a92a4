// SPDX-License-Identifier: Apache-2.0
// Calls of StartTransientUnit as messages, ready to be sent: an order's unit that starts now, or one that a timer
// starts later. No state; one thread.
#pragma once

#include "actions/catalog/effect.h"
#include "agent/actuator/systemd_connection.h"

namespace hostmedic::systemd {

// output: the file that takes the unit's standard output.
Status prepare_now(sd_bus* bus, const TransientUnit& unit, const std::string& output, BusMessage& ret_message);
// "x.timer" for "x.service".
std::string timer_of(const std::string& service);
// The timer of that name starts the unit once; both are forgotten when it has ended.
Status prepare_later(sd_bus* bus, const TransientUnit& unit, Duration after, BusMessage& ret_message);

}  // namespace hostmedic::systemd
