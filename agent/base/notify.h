// SPDX-License-Identifier: Apache-2.0
// Tells the service manager about our state, by the protocol of sd_notify(3) and without its library. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// "READY=1", "WATCHDOG=1", "STATUS=..."; several are separated by newlines. Without a service manager (NOTIFY_SOCKET
// unset) it does nothing and succeeds.
Status notify_manager(std::string_view state);
// Whether there is one.
bool service_manager();
// For a program that cannot start and is about to end: what hinders it (a full or failing disk) may pass, so the
// service manager starts it again for ever, and not all the time. Without a service manager it returns at once.
void pause_before_restart();
// How often WATCHDOG=1 is expected at least; nullopt without a watchdog for this process.
std::optional<Duration> watchdog_period();

}  // namespace hostmedic
