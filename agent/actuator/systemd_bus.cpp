// SPDX-License-Identifier: Apache-2.0
// Jobs, and the transient units of orders: started now or later, waited for, adopted and forgotten.
#include "agent/actuator/systemd_bus.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "agent/actuator/effect_output.h"
#include "agent/actuator/systemd_connection.h"
#include "agent/actuator/systemd_transient.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {

using systemd::Connection;
using systemd::kService;
using systemd::kStopTime;
using systemd::kUnit;

namespace {

// What became of a unit that has ended, with its output.
Result<TransientResult> result_of(Connection& connection, const std::string& unit) {
  const auto path = connection.unit_path(unit, "GetUnit");
  if (!path) return path.error();
  const auto result = connection.text(*path, kService, "Result");
  if (!result) return result.error();
  const auto status = connection.number<std::int32_t>(*path, kService, "ExecMainStatus", 'i');
  if (!status) return status.error();
  TransientResult ended;
  ended.started = true;
  ended.result = *result;
  ended.exit_status = *status;
  ended.output = read_effect_output(connection.options().output_dir, unit);
  return ended;
}

}  // namespace

SystemdBus::SystemdBus(SystemdBusOptions options)
    : connection_(std::make_unique<systemd::Connection>(std::move(options))) {}
SystemdBus::~SystemdBus() = default;

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
  auto bus = connection_->bus();
  if (!bus) return bus.error();
  systemd::BusMessage call;
  const std::string output = effect_output_path(connection_->options().output_dir, unit.name);
  if (Status prepared = systemd::prepare_now(*bus, unit, output, call); !prepared) return prepared.error();
  const auto job = connection_->start_transient(call.message, unit.name);
  if (!job && job.error().code == ErrorCode::conflict) return TransientResult{};
  if (!job) return job.error();
  std::string word;
  auto waited = connection_->wait_job(*job, end, word, true);
  if (!waited) return waited.error();
  const bool cancelled = *waited == Connection::Wait::cancelled;
  if (cancelled) {
    if (Status stopped = connection_->stop(unit.name); !stopped) return stopped.error();
  }
  auto ended = result_of(*connection_, unit.name);
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
  auto ended = result_of(*connection_, unit);
  if (!ended) return ended.error();
  return std::optional(std::move(*ended));
}

void SystemdBus::release(const std::string& unit) {
  // A unit that is not there, the case of every restart, needs nothing. Whatever else fails here leaves a unit that
  // has ended, which harms nobody.
  const auto path = connection_->unit_path(unit, "GetUnit");
  if (path) {
    (void)connection_->stop(unit);
    (void)connection_->call("ResetFailedUnit", unit);
  }
  remove_effect_output(connection_->options().output_dir, unit);
}

// A unit that did not fail has nothing to forget, and systemd says so.
void SystemdBus::forgive(const std::string& unit) { (void)connection_->call("ResetFailedUnit", unit); }

Status SystemdBus::schedule(const TransientUnit& unit, Duration after) {
  // systemd forgets the replaced pair a moment after it was stopped.
  constexpr int kTries = 20;
  constexpr auto kPause = std::chrono::milliseconds(50);
  unschedule(unit.name);
  Status scheduled = ok();
  for (int tries = 0; tries < kTries; ++tries) {
    auto bus = connection_->bus();
    if (!bus) return bus.error();
    systemd::BusMessage call;
    if (Status prepared = systemd::prepare_later(*bus, unit, after, call); !prepared) return prepared;
    const auto job = connection_->start_transient(call.message, unit.name);
    if (job) return ok();
    scheduled = job.error();
    if (job.error().code != ErrorCode::conflict) break;
    std::this_thread::sleep_for(kPause);
  }
  return scheduled;
}

void SystemdBus::unschedule(const std::string& unit) {
  // The unit itself is left alone: it may be what asks for this. A timer that is not there has started it.
  const std::string timer = systemd::timer_of(unit);
  if (connection_->unit_path(timer, "GetUnit")) (void)connection_->stop(timer);
}

}  // namespace hostmedic
