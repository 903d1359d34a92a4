// SPDX-License-Identifier: Apache-2.0
// What a verb works with: where to write, whom to ask, how to look. Owned by main; one thread.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "agent/actuator/wire.h"
#include "agent/ctl/ask.h"
#include "agent/ctl/paths.h"
#include "agent/ctl/terminal.h"

namespace hostmedic {

using AskActuator = std::function<Result<ActuatorAnswer>(const ActuatorRequest& request)>;
AskActuator ask_actuator_socket(const std::string& path);

struct Context {
  std::ostream& out;  // results
  std::ostream& err;  // causes and remedies
  Look look;
  bool json = false;
  bool quiet = false;             // no word on success; results of reading verbs are still written
  Ask ask = {};                   // the daemon
  AskActuator ask_actuator = {};  // which keeps brakes and approvals of its own
  std::string who;                // who asks, as the kernel will say it: "uid 0 (root)"
  Paths paths;
  // Asks the person at the terminal, who answers with one key; absent when nobody is there.
  std::function<char(const std::string& question)> one_key;
};

// Writes cause and remedy, one line each; returns the exit code.
Exit fail(Context& context, const Failure& failure);
// One JSON value on one line.
void write_json(Context& context, const boost::json::value& value);
// A word on success, unless quiet.
void say(Context& context, std::string_view text);

}  // namespace hostmedic
