// SPDX-License-Identifier: Apache-2.0
// A connection to systemd over sd-bus, with the waiting for its jobs: the system bus, or systemd's own socket where no
// bus runs. Opened at the first call and again after it broke. One thread; every call blocks up to its deadline.
#pragma once

#include <systemd/sd-bus.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/actuator/systemd_bus.h"
#include "agent/base/clock.h"

namespace hostmedic::systemd {

inline constexpr const char* kDestination = "org.freedesktop.systemd1";
inline constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
inline constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
inline constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
inline constexpr const char* kService = "org.freedesktop.systemd1.Service";
inline constexpr Duration kStopTime = std::chrono::seconds(10);

struct BusError {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error); }
  bool is(const char* name) const { return sd_bus_error_has_name(&error, name) != 0; }
};
struct BusMessage {
  sd_bus_message* message = nullptr;
  BusMessage() = default;
  BusMessage(const BusMessage&) = delete;
  BusMessage& operator=(const BusMessage&) = delete;
  ~BusMessage() { sd_bus_message_unref(message); }
};

std::uint64_t microseconds(Duration d);
// What a call that returned result (negative errno) ran into.
Error bus_error(int result, const BusError& error, const std::string& what);

// What JobRemoved said of jobs since the last one was asked for: object path and systemd's word.
using JobEnds = std::vector<std::pair<std::string, std::string>>;

class Connection {
 public:
  explicit Connection(SystemdBusOptions options) : options_(std::move(options)) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const SystemdBusOptions& options() const { return options_; }
  Result<sd_bus*> bus();
  Result<std::string> unit_path(const std::string& unit, const char* method);
  Result<std::string> text(const std::string& path, const char* interface, const char* property);
  template <class Number>
  Result<Number> number(const std::string& path, const char* interface, const char* property, char type);
  // A method of the manager that takes a unit's name only and returns nothing of interest.
  Status call(const char* method, const std::string& unit);
  // Calls a method with (unit, mode) that starts a job. The job's path.
  Result<std::string> start_job(const char* method, const std::string& unit);
  // Sends a prepared call of StartTransientUnit. The job's path; conflict: a unit of that name exists.
  Result<std::string> start_transient(sd_bus_message* prepared, const std::string& unit);
  enum class Wait { ended, cancelled };
  // Waits until the job has ended; ret_result is systemd's word ("done", "failed", ...).
  Result<Wait> wait_job(const std::string& path, MonoTime end, std::string& ret_result, bool cancellable);
  Status stop(const std::string& unit);

 private:
  void close();
  // One thing that arrived on the bus is worked off, or waited for.
  Status step(MonoTime end, bool cancellable, bool& ret_cancelled);
  SystemdBusOptions options_;
  JobEnds ends_;  // signals may come before the reply that names the job, so all are kept until then
  sd_bus* bus_ = nullptr;
  sd_bus_slot* slot_ = nullptr;
};

template <class Number>
Result<Number> Connection::number(const std::string& path, const char* interface, const char* property, char type) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  Number value{};
  const int read = sd_bus_get_property_trivial(*connected, kDestination, path.c_str(), interface, property,
                                               &error.error, type, &value);
  if (read < 0) return bus_error(read, error, property);
  return value;
}

}  // namespace hostmedic::systemd
