// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/systemd_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "agent/base/text.h"

namespace hostmedic::systemd {

namespace {

constexpr Duration kCallTime = std::chrono::seconds(5);

int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
  constexpr std::size_t kMostEnds = 256;
  auto* ends = static_cast<JobEnds*>(data);
  std::uint32_t id = 0;
  const char *path = nullptr, *unit = nullptr, *result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && ends->size() < kMostEnds)
    ends->emplace_back(path, result);
  return 0;
}

}  // namespace

std::uint64_t microseconds(Duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

Error bus_error(int result, const BusError& error, const std::string& what) {
  if (error.is("org.freedesktop.systemd1.NoSuchUnit")) return make_error(ErrorCode::not_found, what + ": no such unit");
  Error made = errno_error(-result, what);
  if (error.error.message != nullptr) made.context += ": " + printable(error.error.message, 200);
  if (result == -ETIMEDOUT) made.code = ErrorCode::timeout;
  if (error.is(SD_BUS_ERROR_ACCESS_DENIED)) made.code = ErrorCode::denied;
  if (error.is(SD_BUS_ERROR_NOT_SUPPORTED) || error.is(SD_BUS_ERROR_UNKNOWN_METHOD) ||
      error.is(SD_BUS_ERROR_UNKNOWN_PROPERTY))
    made.code = ErrorCode::unsupported;
  return made;
}

void Connection::close() {
  slot_ = sd_bus_slot_unref(slot_);
  bus_ = sd_bus_close_unref(bus_);
}

Result<sd_bus*> Connection::bus() {
  if (bus_ != nullptr && sd_bus_is_open(bus_) > 0) return bus_;
  close();
  int result = sd_bus_open_system(&bus_);
  if (result < 0) {
    // systemd's own socket answers root without a bus.
    bus_ = sd_bus_unref(bus_);
    if (sd_bus_new(&bus_) < 0 || sd_bus_set_address(bus_, "unix:path=/run/systemd/private") < 0 ||
        (result = sd_bus_start(bus_)) < 0) {
      close();
      return errno_error(-result, "no connection to systemd");
    }
  }
  sd_bus_set_method_call_timeout(bus_, microseconds(kCallTime));
  result = sd_bus_match_signal(bus_, &slot_, nullptr, kManagerPath, kManager, "JobRemoved", on_job_removed, &ends_);
  if (result >= 0) {
    BusError error;
    // systemd sends signals to subscribers only. Subscribed already is as good.
    result = sd_bus_call_method(bus_, kDestination, kManagerPath, kManager, "Subscribe", &error.error, nullptr, "");
    if (error.is("org.freedesktop.systemd1.AlreadySubscribed")) result = 0;
  }
  if (result < 0) {
    close();
    return errno_error(-result, "no connection to systemd");
  }
  return bus_;
}

Result<std::string> Connection::unit_path(const std::string& unit, const char* method) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  BusMessage reply;
  const int called = sd_bus_call_method(*connected, kDestination, kManagerPath, kManager, method, &error.error,
                                        &reply.message, "s", unit.c_str());
  if (called < 0) return bus_error(called, error, unit);
  const char* path = nullptr;
  if (const int read = sd_bus_message_read(reply.message, "o", &path); read < 0) return errno_error(-read, unit);
  return std::string(path);
}

Result<std::string> Connection::text(const std::string& path, const char* interface, const char* property) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  char* value = nullptr;
  const int read =
      sd_bus_get_property_string(*connected, kDestination, path.c_str(), interface, property, &error.error, &value);
  if (read < 0) return bus_error(read, error, property);
  std::string copied = printable(value, 256);
  std::free(value);
  return copied;
}

Status Connection::call(const char* method, const std::string& unit) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  const int called = sd_bus_call_method(*connected, kDestination, kManagerPath, kManager, method, &error.error, nullptr,
                                        "s", unit.c_str());
  if (called < 0) return bus_error(called, error, std::string(method) + " " + unit);
  return ok();
}

Result<std::string> Connection::start_job(const char* method, const std::string& unit) {
  auto connected = bus();
  if (!connected) return connected.error();
  ends_.clear();
  BusError error;
  BusMessage reply;
  const int called = sd_bus_call_method(*connected, kDestination, kManagerPath, kManager, method, &error.error,
                                        &reply.message, "ss", unit.c_str(), "replace");
  if (called < 0) return bus_error(called, error, std::string(method) + " " + unit);
  const char* job = nullptr;
  if (const int read = sd_bus_message_read(reply.message, "o", &job); read < 0) return errno_error(-read, unit);
  return std::string(job);
}

Result<std::string> Connection::start_transient(sd_bus_message* prepared, const std::string& unit) {
  auto connected = bus();
  if (!connected) return connected.error();
  ends_.clear();
  BusError error;
  BusMessage reply;
  const int called = sd_bus_call(*connected, prepared, 0, &error.error, &reply.message);
  if (error.is("org.freedesktop.systemd1.UnitExists")) return make_error(ErrorCode::conflict, unit + " exists already");
  if (called < 0) return bus_error(called, error, unit);
  const char* job = nullptr;
  if (const int read = sd_bus_message_read(reply.message, "o", &job); read < 0) return errno_error(-read, unit);
  return std::string(job);
}

Status Connection::step(MonoTime end, bool cancellable, bool& ret_cancelled) {
  auto connected = bus();
  if (!connected) return connected.error();
  const int worked = sd_bus_process(*connected, nullptr);
  if (worked < 0) return errno_error(-worked, "bus");
  if (worked > 0) return ok();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - mono_now()).count();
  if (left <= 0) return make_error(ErrorCode::timeout, "not ended in time");
  const int events = sd_bus_get_events(*connected);
  if (events < 0) return errno_error(-events, "bus");
  std::array<struct pollfd, 3> waits{{{sd_bus_get_fd(*connected), static_cast<short>(events), 0},
                                      {options_.stop_fd, POLLIN, 0},
                                      {cancellable ? options_.cancel_fd : -1, POLLIN, 0}}};
  if (::poll(waits.data(), waits.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0 && errno != EINTR)
    return errno_error(errno, "poll");  // uncovered: poll fails only for want of memory
  if (waits[1].revents != 0) return make_error(ErrorCode::conflict, "the actuator is stopping");
  ret_cancelled = waits[2].revents != 0;
  return ok();
}

Result<Connection::Wait> Connection::wait_job(const std::string& path, MonoTime end, std::string& ret_result,
                                              bool cancellable) {
  for (;;) {
    for (const auto& [job, result] : ends_) {
      if (job != path) continue;
      ret_result = result;
      return Wait::ended;
    }
    ends_.clear();
    bool cancelled = false;
    if (Status stepped = step(end, cancellable, cancelled); !stepped) return stepped.error();
    if (cancelled) return Wait::cancelled;
  }
}

Status Connection::stop(const std::string& unit) {
  const auto job = start_job("StopUnit", unit);
  if (!job) return job.error();
  std::string result;
  const auto waited = wait_job(*job, mono_now() + kStopTime, result, false);
  if (!waited) return waited.error();
  return ok();
}

}  // namespace hostmedic::systemd
