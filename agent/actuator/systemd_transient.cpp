// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/systemd_transient.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "agent/actuator/capability.h"

namespace hostmedic::systemd {

namespace {

// One property of a transient unit, "(sv)".
int put(sd_bus_message* m, const char* name, const std::string& value) {
  return sd_bus_message_append(m, "(sv)", name, "s", value.c_str());
}
int put(sd_bus_message* m, const char* name, bool value) {
  return sd_bus_message_append(m, "(sv)", name, "b", static_cast<int>(value));
}
int put(sd_bus_message* m, const char* name, std::uint64_t value) {
  return sd_bus_message_append(m, "(sv)", name, "t", value);
}

int put_list(sd_bus_message* m, const char* name, const std::vector<std::string>& values) {
  std::vector<char*> pointers;
  for (const std::string& value : values) pointers.push_back(const_cast<char*>(value.c_str()));
  pointers.push_back(nullptr);
  int result = sd_bus_message_open_container(m, 'r', "sv");
  if (result >= 0) result = sd_bus_message_append(m, "s", name);
  if (result >= 0) result = sd_bus_message_open_container(m, 'v', "as");
  if (result >= 0) result = sd_bus_message_append_strv(m, pointers.data());
  if (result >= 0) result = sd_bus_message_close_container(m);
  return result >= 0 ? sd_bus_message_close_container(m) : result;
}

int put_command(sd_bus_message* m, const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  int result = sd_bus_message_open_container(m, 'r', "sv");
  if (result >= 0) result = sd_bus_message_append(m, "s", "ExecStart");
  if (result >= 0) result = sd_bus_message_open_container(m, 'v', "a(sasb)");
  if (result >= 0) result = sd_bus_message_open_container(m, 'a', "(sasb)");
  if (result >= 0) result = sd_bus_message_open_container(m, 'r', "sasb");
  if (result >= 0) result = sd_bus_message_append(m, "s", argv[0].c_str());
  if (result >= 0) result = sd_bus_message_append_strv(m, pointers.data());
  if (result >= 0) result = sd_bus_message_append(m, "b", 0);
  for (int open = 0; open < 4 && result >= 0; ++open) result = sd_bus_message_close_container(m);
  return result;
}

// An allow-list of address families: (true, names).
int put_unix_only(sd_bus_message* m) {
  return sd_bus_message_append(m, "(sv)", "RestrictAddressFamilies", "(bas)", 1, 1, "AF_UNIX");
}

// Whose work is in /tmp must see the host's.
bool needs_tmp(const Openings& open) {
  return open.all_paths ||
         std::any_of(open.read_write_paths.begin(), open.read_write_paths.end(), [](std::string_view path) {
           if (path.starts_with('-')) path.remove_prefix(1);
           for (const std::string_view tmp : {"/tmp", "/var/tmp"})
             if (path == tmp || (path.starts_with(tmp) && path[tmp.size()] == '/')) return true;
           return false;
         });
}

// What no effect needs. All other system calls stay, since a script may run any program; what installs packages may
// mount inside its own namespace.
int put_call_filter(sd_bus_message* m, const Openings& open) {
  const int result =
      open.all_paths ? sd_bus_message_append(m, "(sv)", "SystemCallFilter", "(bas)", 0, 7, "@clock", "@cpu-emulation",
                                             "@debug", "@module", "@obsolete", "@raw-io", "@reboot")
                     : sd_bus_message_append(m, "(sv)", "SystemCallFilter", "(bas)", 0, 9, "@clock", "@cpu-emulation",
                                             "@debug", "@module", "@obsolete", "@raw-io", "@reboot", "@mount", "@swap");
  return result < 0 ? result : sd_bus_message_append(m, "(sv)", "SystemCallErrorNumber", "i", EPERM);
}

// What both kinds have in common.
int put_properties(sd_bus_message* m, const TransientUnit& unit) {
  const Openings& open = unit.openings;
  const std::uint64_t capabilities = capability_mask(unit.openings.capabilities);
  int result = 0;
  const auto add = [&](const char* name, auto value) {
    if (result >= 0) result = put(m, name, value);
  };
  add("Description", unit.description);
  add("Type", std::string("oneshot"));
  add("TimeoutStartUSec", microseconds(unit.timeout));
  add("TimeoutStopUSec", microseconds(std::chrono::seconds(5)));
  add("StandardError", std::string("journal"));
  add("CapabilityBoundingSet", capabilities);
  add("AmbientCapabilities", capabilities);
  add("NoNewPrivileges", true);
  if (!open.user.empty()) add("User", open.user);
  add("ProtectSystem", std::string(open.all_paths ? "no" : "strict"));
  add("ProtectHome", std::string(open.all_paths ? "no" : "yes"));
  add("PrivateTmp", !needs_tmp(open));
  add("PrivateMounts", true);
  add("PrivateDevices", !open.devices);
  add("PrivateNetwork", !open.network);
  add("ProtectKernelTunables", !open.kernel_tunables);
  add("ProtectKernelModules", true);
  add("ProtectKernelLogs", true);
  add("ProtectControlGroups", !open.cgroups);
  add("ProtectClock", true);
  add("ProtectHostname", true);
  add("RestrictRealtime", true);
  if (!open.namespaces) add("RestrictNamespaces", std::uint64_t{0});
  add("LockPersonality", true);
  add("MemoryMax", std::uint64_t{256} << 20);
  add("TasksMax", std::uint64_t{64});
  if (result >= 0) result = sd_bus_message_append(m, "(sv)", "UMask", "u", 0077);
  if (result >= 0 && !open.network) result = put_unix_only(m);
  if (result >= 0) result = put_call_filter(m, open);
  if (result >= 0) result = put_list(m, "ReadWritePaths", open.read_write_paths);
  return result >= 0 ? put_command(m, unit.argv) : result;
}

int begin_call(sd_bus* bus, const std::string& unit, BusMessage& message) {
  int result =
      sd_bus_message_new_method_call(bus, &message.message, kDestination, kManagerPath, kManager, "StartTransientUnit");
  if (result >= 0) result = sd_bus_message_append(message.message, "ss", unit.c_str(), "fail");
  return result >= 0 ? sd_bus_message_open_container(message.message, 'a', "(sv)") : result;
}

// The array of auxiliary units with the one that the timer starts.
int put_timed_service(sd_bus_message* m, const TransientUnit& unit) {
  int result = sd_bus_message_open_container(m, 'a', "(sa(sv))");
  if (result >= 0) result = sd_bus_message_open_container(m, 'r', "sa(sv)");
  if (result >= 0) result = sd_bus_message_append(m, "s", unit.name.c_str());
  if (result >= 0) result = sd_bus_message_open_container(m, 'a', "(sv)");
  if (result >= 0) result = put(m, "CollectMode", std::string("inactive-or-failed"));
  if (result >= 0) result = put_properties(m, unit);
  for (int open = 0; open < 3 && result >= 0; ++open) result = sd_bus_message_close_container(m);
  return result;
}

}  // namespace

Status prepare_now(sd_bus* bus, const TransientUnit& unit, const std::string& output, BusMessage& ret_message) {
  int result = begin_call(bus, unit.name, ret_message);
  sd_bus_message* m = ret_message.message;
  if (result >= 0) result = put(m, "RemainAfterExit", true);  // the name stays taken until the result is on disk
  if (result >= 0) result = put(m, "StandardOutputFile", output);
  if (result >= 0) result = put_properties(m, unit);
  if (result >= 0) result = sd_bus_message_close_container(m);
  if (result >= 0) result = sd_bus_message_append(m, "a(sa(sv))", 0);
  return result < 0 ? Status(errno_error(-result, unit.name)) : ok();
}

std::string timer_of(const std::string& service) { return service.substr(0, service.rfind('.')) + ".timer"; }

Status prepare_later(sd_bus* bus, const TransientUnit& unit, Duration after, BusMessage& ret_message) {
  int result = begin_call(bus, timer_of(unit.name), ret_message);
  sd_bus_message* m = ret_message.message;
  if (result >= 0) result = put(m, "Description", unit.description);
  if (result >= 0)
    result = sd_bus_message_append(m, "(sv)", "TimersMonotonic", "a(st)", 1, "OnActiveSec", microseconds(after));
  if (result >= 0) result = put(m, "AccuracyUSec", microseconds(std::chrono::seconds(1)));
  if (result >= 0) result = put(m, "RemainAfterElapse", false);
  if (result >= 0) result = sd_bus_message_close_container(m);
  if (result >= 0) result = put_timed_service(m, unit);
  return result < 0 ? Status(errno_error(-result, unit.name)) : ok();
}

}  // namespace hostmedic::systemd
