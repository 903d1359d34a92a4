// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/brakes.h"

#include "agent/base/text.h"

namespace hostmedic {

namespace {

void report_one(Context& context, std::string_view who, const Answer& answer, std::string_view done) {
  if (answer.body) return say(context, std::string(who) + ": " + std::string(done));
  context.err << who << ": " << answer.failure.cause << '\n';
  if (!answer.failure.remedy.empty()) context.err << "  " << answer.failure.remedy << '\n';
}

}  // namespace

Failure failure_of_actuator(const Error& error) {
  const std::string cause = "the actuator refused: " + printable(error.message(), 300);
  if (error.code == ErrorCode::denied) return {Exit::denied, cause, "run this as root"};
  if (error.code == ErrorCode::conflict || error.code == ErrorCode::limit) return {Exit::negative, cause, ""};
  return failure_of(error, "the actuator", "systemctl start hostmedic-actuator.socket");
}

Answer tell_actuator(Context& context, const ActuatorRequest& request) {
  const auto answer = context.ask_actuator(request);
  if (answer) return {boost::json::object(), {}};
  return {std::nullopt, failure_of_actuator(answer.error())};
}

Told tell_both(Context& context, const boost::json::object& daemon, const ActuatorRequest& actuator) {
  Told told;
  // The actuator first: it is the one that acts.
  told.actuator = tell_actuator(context, actuator);
  told.daemon = ask_daemon(context.ask, daemon);
  return told;
}

void report(Context& context, const Told& told, std::string_view done) {
  report_one(context, "agent", told.daemon, done);
  report_one(context, "actuator", told.actuator, done);
}

}  // namespace hostmedic
