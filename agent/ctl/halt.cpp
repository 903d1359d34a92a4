// SPDX-License-Identifier: Apache-2.0
// `hostmedic halt` and `hostmedic resume`: the kill switch.
#include "agent/ctl/brakes.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

// Halted is who acts: with the actuator's brake set nothing happens, whatever the daemon knows. With only the daemon's
// nothing is asked for, which holds as long as the daemon is honest; that is worth a warning.
Exit halt(Context& context, const std::string& reason) {
  ActuatorRequest request;
  request.kind = RequestKind::halt;
  request.by = context.who;
  request.reason = reason;
  const Told told = tell_both(context, {{"verb", "halt"}, {"reason", reason}}, request);
  report(context, told, "halted; nothing is treated until `hostmedic resume`");
  if (told.actuator.body) return Exit::fine;
  return told.daemon.body ? Exit::negative : told.actuator.failure.exit;
}

// Acting needs both brakes released.
Exit resume(Context& context) {
  ActuatorRequest request;
  request.kind = RequestKind::resume;
  const Told told = tell_both(context, {{"verb", "resume"}}, request);
  report(context, told, "resumed");
  if (told.actuator.body && told.daemon.body) return Exit::fine;
  if (told.actuator.body || told.daemon.body) return Exit::negative;
  return told.daemon.failure.exit;
}

}  // namespace hostmedic
