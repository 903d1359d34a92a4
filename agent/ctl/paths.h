// SPDX-License-Identifier: Apache-2.0
// Where things are. main gives the real places, a test its own.
#pragma once

#include <string>

namespace hostmedic {

struct Paths {
  std::string control_socket = "/run/hostmedic/control.sock";
  std::string actuator_socket = "/run/hostmedic-actuator/actuator.sock";
  std::string system_bus = "/run/dbus/system_bus_socket";
  std::string etc = "/etc/hostmedic";
  std::string share = "/usr/share/hostmedic";
  std::string evidence = "/var/lib/hostmedic-actuator/evidence";
  std::string probe;                // the program hostmedic-probe, from main; empty: not installed
  std::string proc, sys;            // the kernel's, from main
  std::string group = "hostmedic";  // that may read the agent's key
  bool policy_of_root = true;       // the policy must be root's alone
};

}  // namespace hostmedic
