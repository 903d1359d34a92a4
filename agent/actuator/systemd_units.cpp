// SPDX-License-Identifier: Apache-2.0
// What the service manager knows of units that exist already, and what it may change of them. Without a job.
#include <cstdlib>

#include "agent/actuator/systemd_bus.h"
#include "agent/actuator/systemd_connection.h"
#include "agent/base/text.h"

namespace hostmedic {

using systemd::BusError;
using systemd::BusMessage;
using systemd::kService;
using systemd::kUnit;

Result<UnitStatus> SystemdBus::status(const std::string& unit) {
  // LoadUnit answers also for units that systemd does not hold at the moment.
  const auto path = connection_->unit_path(unit, "LoadUnit");
  if (!path) return path.error();
  UnitStatus status;
  const std::pair<std::string*, const char*> texts[] = {
      {&status.load_state, "LoadState"}, {&status.active_state, "ActiveState"}, {&status.sub_state, "SubState"}};
  for (const auto& [field, name] : texts) {
    auto value = connection_->text(*path, kUnit, name);
    if (!value) return value.error();
    *field = std::move(*value);
  }
  if (status.load_state != "loaded") return status;
  // Unknown to systemd before 246, which cannot freeze either.
  status.freezer_state = connection_->text(*path, kUnit, "FreezerState").value_or("");
  auto result = connection_->text(*path, kService, "Result");
  if (!result) return result.error();
  status.result = std::move(*result);
  const auto pid = connection_->number<std::uint32_t>(*path, kService, "MainPID", 'u');
  const auto restarts = connection_->number<std::uint32_t>(*path, kService, "NRestarts", 'u');
  const auto started = connection_->number<std::uint64_t>(*path, kService, "ExecMainStartTimestampMonotonic", 't');
  if (!pid || !restarts || !started) return make_error(ErrorCode::io, unit + ": its properties cannot be read");
  status.main_pid = *pid;
  status.restarts = *restarts;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // the clock that systemd means
  if (*started != 0) status.age = now - std::chrono::microseconds(*started);
  return status;
}

Result<std::vector<UnitNumber>> SystemdBus::numbers(const std::string& unit, std::span<const std::string_view> names) {
  const auto path = connection_->unit_path(unit, "LoadUnit");
  if (!path) return path.error();
  std::vector<UnitNumber> numbers;
  for (const std::string_view name : names) {
    UnitNumber number{std::string(name), 0};
    const auto value = connection_->number<std::uint64_t>(*path, kService, number.name.c_str(), 't');
    if (!value) return Error(value.error()).in(unit);
    number.value = *value;
    numbers.push_back(std::move(number));
  }
  return numbers;
}

Status SystemdBus::set_numbers(const std::string& unit, std::span<const UnitNumber> numbers) {
  constexpr int kRuntime = 1;
  auto bus = connection_->bus();
  if (!bus) return bus.error();
  BusError error;
  BusMessage call;
  int result = sd_bus_message_new_method_call(*bus, &call.message, systemd::kDestination, systemd::kManagerPath,
                                              systemd::kManager, "SetUnitProperties");
  if (result >= 0) result = sd_bus_message_append(call.message, "sb", unit.c_str(), kRuntime);
  if (result >= 0) result = sd_bus_message_open_container(call.message, 'a', "(sv)");
  for (const UnitNumber& number : numbers)
    if (result >= 0) result = sd_bus_message_append(call.message, "(sv)", number.name.c_str(), "t", number.value);
  if (result >= 0) result = sd_bus_message_close_container(call.message);
  if (result < 0) return errno_error(-result, unit);
  result = sd_bus_call(*bus, call.message, 0, &error.error, nullptr);
  if (result < 0) return systemd::bus_error(result, error, "SetUnitProperties " + unit);
  return ok();
}

Result<std::vector<std::string>> SystemdBus::names(const std::string& unit, std::string_view property) {
  constexpr std::size_t kMostNames = 256;
  const auto path = connection_->unit_path(unit, "LoadUnit");
  if (!path) return path.error();
  auto bus = connection_->bus();
  if (!bus) return bus.error();
  BusError error;
  char** list = nullptr;
  const std::string name(property);
  const int read =
      sd_bus_get_property_strv(*bus, systemd::kDestination, path->c_str(), kUnit, name.c_str(), &error.error, &list);
  if (read < 0) return systemd::bus_error(read, error, unit + ": " + name);
  std::vector<std::string> names;
  for (char** one = list; one != nullptr && *one != nullptr; ++one) {
    if (names.size() < kMostNames) names.push_back(printable(*one, 256));
    std::free(*one);
  }
  std::free(list);
  return names;
}

Status SystemdBus::freeze(const std::string& unit, bool frozen) {
  const std::string wanted = frozen ? "frozen" : "running";
  if (Status called = connection_->call(frozen ? "FreezeUnit" : "ThawUnit", unit); !called) return called;
  // systemd answers with success on hosts whose cgroups cannot freeze.
  const auto path = connection_->unit_path(unit, "LoadUnit");
  if (!path) return path.error();
  const auto state = connection_->text(*path, kUnit, "FreezerState");
  if (!state) return state.error();
  if (*state != wanted)
    return make_error(ErrorCode::unsupported,
                      unit + " is " + *state + ", not " + wanted + ": this host cannot freeze units (cgroup v2 can)");
  return ok();
}

Status SystemdBus::kill(const std::string& unit, bool main_only, int signal) {
  auto bus = connection_->bus();
  if (!bus) return bus.error();
  BusError error;
  const int called =
      sd_bus_call_method(*bus, systemd::kDestination, systemd::kManagerPath, systemd::kManager, "KillUnit",
                         &error.error, nullptr, "ssi", unit.c_str(), main_only ? "main" : "all", signal);
  if (error.is("org.freedesktop.systemd1.NoSuchProcess"))
    return make_error(ErrorCode::not_found, unit + " has no such process");
  if (called < 0) return systemd::bus_error(called, error, "KillUnit " + unit);
  return ok();
}

}  // namespace hostmedic
