// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/systemd_bus.h"

#include <poll.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/actuator/capability.h"
#include "agent/actuator/effect_output.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr const char* kDestination = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kService = "org.freedesktop.systemd1.Service";
constexpr Duration kCallTime = std::chrono::seconds(5);
constexpr Duration kStopTime = std::chrono::seconds(10);

struct BusError {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error); }
  bool is(const char* name) const { return sd_bus_error_has_name(&error, name) != 0; }
};
struct Message {
  sd_bus_message* message = nullptr;
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message() { sd_bus_message_unref(message); }
};

std::uint64_t microseconds(Duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

Error bus_error(int result, const BusError& error, const std::string& what) {
  if (error.is("org.freedesktop.systemd1.NoSuchUnit")) return make_error(ErrorCode::not_found, what + ": no such unit");
  Error made = errno_error(-result, what);
  if (error.error.message != nullptr) made.context += ": " + printable(error.error.message, 200);
  if (result == -ETIMEDOUT) made.code = ErrorCode::timeout;
  if (error.is(SD_BUS_ERROR_ACCESS_DENIED)) made.code = ErrorCode::denied;
  return made;
}

// What JobRemoved said of the job we wait for.
struct JobEnd {
  std::string path;  // wanted; signals may come before the reply that names it, so all are kept until then
  std::vector<std::pair<std::string, std::string>> ended;
};
int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
  constexpr std::size_t kMostEnds = 256;
  auto* jobs = static_cast<JobEnd*>(data);
  std::uint32_t id = 0;
  const char *path = nullptr, *unit = nullptr, *result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && jobs->ended.size() < kMostEnds)
    jobs->ended.emplace_back(path, result);
  return 0;
}

}  // namespace

// A bus connection with the waiting for jobs.
class SystemdBus::Connection {
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
  // Calls a method with (unit, mode) that starts a job. The job's path.
  Result<std::string> start_job(const char* method, const std::string& unit);
  enum class Wait { ended, cancelled };
  // Waits until the job has ended; ret_result is systemd's word ("done", "failed", ...).
  Result<Wait> wait_job(const std::string& path, MonoTime end, std::string& ret_result, bool cancellable);
  Result<std::string> start_transient(const TransientUnit& unit, const std::string& output);
  Result<TransientResult> result_of(const std::string& unit);
  Status stop(const std::string& unit);

  JobEnd jobs;

 private:
  void close();
  // True: something arrived on the bus or was worked off.
  Status step(MonoTime end, bool cancellable, bool& ret_cancelled);
  SystemdBusOptions options_;
  sd_bus* bus_ = nullptr;
  sd_bus_slot* slot_ = nullptr;
};

void SystemdBus::Connection::close() {
  slot_ = sd_bus_slot_unref(slot_);
  bus_ = sd_bus_close_unref(bus_);
}

Result<sd_bus*> SystemdBus::Connection::bus() {
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
  result = sd_bus_match_signal(bus_, &slot_, nullptr, kManagerPath, kManager, "JobRemoved", on_job_removed, &jobs);
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

Result<std::string> SystemdBus::Connection::unit_path(const std::string& unit, const char* method) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  Message reply;
  const int called = sd_bus_call_method(*connected, kDestination, kManagerPath, kManager, method, &error.error,
                                        &reply.message, "s", unit.c_str());
  if (called < 0) return bus_error(called, error, unit);
  const char* path = nullptr;
  if (const int read = sd_bus_message_read(reply.message, "o", &path); read < 0) return errno_error(-read, unit);
  return std::string(path);
}

Result<std::string> SystemdBus::Connection::text(const std::string& path, const char* interface, const char* property) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  char* value = nullptr;
  const int read =
      sd_bus_get_property_string(*connected, kDestination, path.c_str(), interface, property, &error.error, &value);
  if (read < 0) return bus_error(read, error, property);
  std::string copied = printable(value, 256);
  ::free(value);
  return copied;
}

template <class Number>
Result<Number> SystemdBus::Connection::number(const std::string& path, const char* interface, const char* property,
                                              char type) {
  auto connected = bus();
  if (!connected) return connected.error();
  BusError error;
  Number value{};
  const int read = sd_bus_get_property_trivial(*connected, kDestination, path.c_str(), interface, property,
                                               &error.error, type, &value);
  if (read < 0) return bus_error(read, error, property);
  return value;
}

Result<std::string> SystemdBus::Connection::start_job(const char* method, const std::string& unit) {
  auto connected = bus();
  if (!connected) return connected.error();
  jobs.ended.clear();
  BusError error;
  Message reply;
  const int called = sd_bus_call_method(*connected, kDestination, kManagerPath, kManager, method, &error.error,
                                        &reply.message, "ss", unit.c_str(), "replace");
  if (called < 0) return bus_error(called, error, std::string(method) + " " + unit);
  const char* job = nullptr;
  if (const int read = sd_bus_message_read(reply.message, "o", &job); read < 0) return errno_error(-read, unit);
  return std::string(job);
}

Status SystemdBus::Connection::step(MonoTime end, bool cancellable, bool& ret_cancelled) {
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
    return errno_error(errno, "poll");
  if (waits[1].revents != 0) return make_error(ErrorCode::conflict, "the actuator is stopping");
  ret_cancelled = waits[2].revents != 0;
  return ok();
}

Result<SystemdBus::Connection::Wait> SystemdBus::Connection::wait_job(const std::string& path, MonoTime end,
                                                                      std::string& ret_result, bool cancellable) {
  for (;;) {
    for (const auto& [job, result] : jobs.ended) {
      if (job != path) continue;
      ret_result = result;
      return Wait::ended;
    }
    jobs.ended.clear();
    bool cancelled = false;
    if (Status stepped = step(end, cancellable, cancelled); !stepped) return stepped.error();
    if (cancelled) return Wait::cancelled;
  }
}

Status SystemdBus::Connection::stop(const std::string& unit) {
  const auto job = start_job("StopUnit", unit);
  if (!job) return job.error();
  std::string result;
  const auto waited = wait_job(*job, mono_now() + kStopTime, result, false);
  if (!waited) return waited.error();
  return ok();
}

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

int put_properties(sd_bus_message* m, const TransientUnit& unit, const std::string& output) {
  const Openings& open = unit.openings;
  const std::uint64_t capabilities = capability_mask(unit.openings.capabilities);
  int result = 0;
  const auto add = [&](const char* name, auto value) {
    if (result >= 0) result = put(m, name, value);
  };
  add("Description", unit.description);
  add("Type", std::string("oneshot"));
  add("RemainAfterExit", true);  // the name stays taken until the result is on disk
  add("TimeoutStartUSec", microseconds(unit.timeout));
  add("TimeoutStopUSec", microseconds(std::chrono::seconds(5)));
  add("StandardOutputFile", output);
  add("StandardError", std::string("journal"));
  add("CapabilityBoundingSet", capabilities);
  add("AmbientCapabilities", capabilities);
  add("NoNewPrivileges", true);
  if (!open.user.empty()) add("User", open.user);
  add("ProtectSystem", std::string(open.all_paths ? "no" : "strict"));
  add("ProtectHome", std::string(open.all_paths ? "no" : "yes"));
  add("PrivateTmp", !open.all_paths);
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
  if (result >= 0) result = put_list(m, "ReadWritePaths", open.read_write_paths);
  return result >= 0 ? put_command(m, unit.argv) : result;
}

}  // namespace

Result<std::string> SystemdBus::Connection::start_transient(const TransientUnit& unit, const std::string& output) {
  auto connected = bus();
  if (!connected) return connected.error();
  jobs.ended.clear();
  Message call, reply;
  BusError error;
  int result = sd_bus_message_new_method_call(*connected, &call.message, kDestination, kManagerPath, kManager,
                                              "StartTransientUnit");
  if (result >= 0) result = sd_bus_message_append(call.message, "ss", unit.name.c_str(), "fail");
  if (result >= 0) result = sd_bus_message_open_container(call.message, 'a', "(sv)");
  if (result >= 0) result = put_properties(call.message, unit, output);
  if (result >= 0) result = sd_bus_message_close_container(call.message);
  if (result >= 0) result = sd_bus_message_append(call.message, "a(sa(sv))", 0);
  if (result < 0) return errno_error(-result, unit.name);
  result = sd_bus_call(*connected, call.message, 0, &error.error, &reply.message);
  if (error.is("org.freedesktop.systemd1.UnitExists"))
    return make_error(ErrorCode::conflict, unit.name + " exists already");
  if (result < 0) return bus_error(result, error, unit.name);
  const char* job = nullptr;
  if (const int read = sd_bus_message_read(reply.message, "o", &job); read < 0) return errno_error(-read, unit.name);
  return std::string(job);
}

Result<TransientResult> SystemdBus::Connection::result_of(const std::string& unit) {
  const auto path = unit_path(unit, "GetUnit");
  if (!path) return path.error();
  const auto result = text(*path, kService, "Result");
  if (!result) return result.error();
  const auto status = number<std::int32_t>(*path, kService, "ExecMainStatus", 'i');
  if (!status) return status.error();
  TransientResult ended;
  ended.started = true;
  ended.result = *result;
  ended.exit_status = *status;
  ended.output = read_effect_output(options_.output_dir, unit);
  return ended;
}

SystemdBus::SystemdBus(SystemdBusOptions options) : connection_(std::make_unique<Connection>(std::move(options))) {}
SystemdBus::~SystemdBus() = default;

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
  auto result = connection_->text(*path, kService, "Result");
  if (!result) return result.error();
  status.result = std::move(*result);
  const auto pid = connection_->number<std::uint32_t>(*path, kService, "MainPID", 'u');
  const auto restarts = connection_->number<std::uint32_t>(*path, kService, "NRestarts", 'u');
  const auto started = connection_->number<std::uint64_t>(*path, kService, "ExecMainStartTimestamp", 't');
  if (!pid || !restarts || !started) return make_error(ErrorCode::io, unit + ": its properties cannot be read");
  status.main_pid = *pid;
  status.restarts = *restarts;
  status.started_at = WallTime(std::chrono::microseconds(*started));
  return status;
}

Status SystemdBus::job(const std::string& unit, UnitJob what, Duration deadline) {
  constexpr std::pair<UnitJob, const char*> kMethods[] = {{UnitJob::start, "StartUnit"},
                                                          {UnitJob::stop, "StopUnit"},
                                                          {UnitJob::restart, "RestartUnit"},
                                                          {UnitJob::reload, "ReloadUnit"}};
  const MonoTime end = mono_now() + deadline;
  const auto job = connection_->start_job(kMethods[static_cast<std::size_t>(what)].second, unit);
  if (!job) return job.error();
  std::string result;
  // Not cancellable: a restart that was asked for is systemd's, and half of one is the worse state.
  const auto waited = connection_->wait_job(*job, end, result, false);
  if (!waited) return waited.error();
  if (result != "done") return make_error(ErrorCode::io, "the job ended with " + printable(result, 40));
  return ok();
}

Result<TransientResult> SystemdBus::run(const TransientUnit& unit) {
  const MonoTime end = mono_now() + unit.timeout + kStopTime;
  const auto job = connection_->start_transient(unit, effect_output_path(connection_->options().output_dir, unit.name));
  if (!job && job.error().code == ErrorCode::conflict) return TransientResult{};
  if (!job) return job.error();
  std::string word;
  auto waited = connection_->wait_job(*job, end, word, true);
  if (!waited) return waited.error();
  const bool cancelled = *waited == Connection::Wait::cancelled;
  if (cancelled) {
    if (Status stopped = connection_->stop(unit.name); !stopped) return stopped.error();
  }
  auto ended = connection_->result_of(unit.name);
  // A stopped unit may be forgotten at once.
  if (cancelled && !ended) ended = TransientResult{true, "", 0, ""};
  if (ended && cancelled) ended->result = "cancelled";
  return ended;
}

Result<std::optional<TransientResult>> SystemdBus::adopt(const std::string& unit, Duration deadline) {
  const MonoTime end = mono_now() + deadline + kStopTime;
  for (;;) {
    const auto path = connection_->unit_path(unit, "GetUnit");
    if (!path && path.error().code == ErrorCode::not_found) return std::optional<TransientResult>();
    if (!path) return path.error();
    const auto active = connection_->text(*path, kUnit, "ActiveState");
    if (!active) return active.error();
    if (*active != "activating" && *active != "deactivating") break;
    // Any job that ends may be its own; asking again is cheap, and a deadline bounds it all.
    constexpr auto kPause = std::chrono::milliseconds(200);
    std::string word;
    bool stopped = false;
    const auto waited = connection_->wait_job("", std::min(end, mono_now() + kPause), word, true);
    if (waited && *waited == Connection::Wait::cancelled) {
      if (Status stop = connection_->stop(unit); !stop) return stop.error();
      stopped = true;
    }
    if (stopped) return std::optional(TransientResult{true, "cancelled", 0, ""});
    if (!waited && waited.error().code != ErrorCode::timeout) return waited.error();
    if (mono_now() >= end) return make_error(ErrorCode::timeout, unit + " does not end");
  }
  auto ended = connection_->result_of(unit);
  if (!ended) return ended.error();
  return std::optional(std::move(*ended));
}

void SystemdBus::release(const std::string& unit) {
  // A unit that is not there, the case of every restart, needs nothing. Whatever else fails here leaves a unit that
  // has ended, which harms nobody.
  const auto path = connection_->unit_path(unit, "GetUnit");
  if (path) {
    (void)connection_->stop(unit);
    auto bus = connection_->bus();
    if (bus) {
      BusError error;
      (void)sd_bus_call_method(*bus, kDestination, kManagerPath, kManager, "ResetFailedUnit", &error.error, nullptr,
                               "s", unit.c_str());
    }
  }
  remove_effect_output(connection_->options().output_dir, unit);
}

Result<std::vector<UnitNumber>> SystemdBus::numbers(const std::string& unit, std::span<const std::string_view>) {
  return make_error(ErrorCode::unsupported, unit);
}
Status SystemdBus::set_numbers(const std::string& unit, std::span<const UnitNumber>) {
  return make_error(ErrorCode::unsupported, unit);
}
Result<std::vector<std::string>> SystemdBus::names(const std::string& unit, std::string_view) {
  return make_error(ErrorCode::unsupported, unit);
}
Status SystemdBus::freeze(const std::string& unit, bool) { return make_error(ErrorCode::unsupported, unit); }
Status SystemdBus::kill(const std::string& unit, bool, int) { return make_error(ErrorCode::unsupported, unit); }
Status SystemdBus::schedule(const TransientUnit& unit, Duration) {
  return make_error(ErrorCode::unsupported, unit.name);
}
void SystemdBus::unschedule(const std::string&) {}

}  // namespace hostmedic
