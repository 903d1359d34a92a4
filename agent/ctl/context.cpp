// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/context.h"

#include <boost/json/serialize.hpp>

#include "agent/actuator/client.h"

namespace hostmedic {

AskActuator ask_actuator_socket(const std::string& path) {
  static constexpr Duration kPatience = std::chrono::seconds(10), kUntilUndone = std::chrono::minutes(5);
  return [path](const ActuatorRequest& request) {
    return ask_actuator(path, request, request.kind == RequestKind::undo ? kUntilUndone : kPatience);
  };
}

Exit fail(Context& context, const Failure& failure) {
  context.err << paint(context.look, Tone::bad, "hostmedic: ") << failure.cause << '\n';
  if (!failure.remedy.empty()) context.err << "  " << failure.remedy << '\n';
  return failure.exit;
}

void write_json(Context& context, const boost::json::value& value) {
  context.out << boost::json::serialize(value) << '\n';
}

void say(Context& context, std::string_view text) {
  if (!context.quiet) context.out << text << '\n';
}

}  // namespace hostmedic
