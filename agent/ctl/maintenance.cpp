// SPDX-License-Identifier: Apache-2.0
// `hostmedic maintenance on|off`.
#include "agent/base/parse.h"
#include "agent/ctl/brakes.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace {

constexpr Duration kLongest = std::chrono::hours(24 * 31);  // as the daemon has it

Exit outcome_of(const Told& told) {
  if (told.actuator.body && told.daemon.body) return Exit::fine;
  if (told.actuator.body || told.daemon.body) return Exit::negative;
  return told.daemon.failure.exit;
}

}  // namespace

Exit maintenance_on(Context& context, const MaintenanceWish& wish) {
  const auto length = parse_duration(wish.length);
  if (!length || *length < std::chrono::seconds(1) || *length > kLongest)
    return fail(context, {Exit::usage, "--for wants a length from 1s to 31d, not '" + wish.length + "'",
                          "for example: hostmedic maintenance on --for 2h"});
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(*length).count();
  ActuatorRequest request;
  request.kind = RequestKind::maintenance;
  request.until = context.look.now + std::chrono::seconds(seconds);
  request.by = context.who;
  request.reason = wish.reason;
  request.entity = wish.entity;
  const Told told = tell_both(
      context, {{"verb", "maintenance"}, {"seconds", seconds}, {"reason", wish.reason}, {"entity", wish.entity}},
      request);
  report(context, told,
         "no action on " + (wish.entity == "*" ? std::string("anything") : wish.entity) + " for " +
             format_duration(*length));
  // As with the kill switch: who acts has been told.
  return told.actuator.body ? Exit::fine : outcome_of(told);
}

Exit maintenance_off(Context& context) {
  ActuatorRequest request;
  request.kind = RequestKind::maintenance_off;
  const Told told = tell_both(context, {{"verb", "maintenance-off"}}, request);
  report(context, told, "no maintenance");
  return outcome_of(told);
}

}  // namespace hostmedic
