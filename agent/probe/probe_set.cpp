// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/probe_set.h"

#include <algorithm>
#include <exception>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

// A probe must not throw; when the standard library does (no memory), it costs that probe only.
template <class Call>
auto guarded(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return make_error(ErrorCode::io, std::string("exception: ") + exception.what());
  }
}

bool contains(std::span<const std::string> names, std::string_view wanted) {
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

}  // namespace

void Schedule::ran(MonoTime now, Duration interval) {
  constexpr Duration kSecond = std::chrono::seconds(1);
  const auto seconds = std::max<std::int64_t>(1, (interval + kSecond - Duration(1)) / kSecond);
  next_ = mono_from_ns(to_ns(now) / to_ns(kSecond) * to_ns(kSecond)) + seconds * kSecond;
}

ProbeSet::ProbeSet(std::span<const ProbeInfo* const> infos, const ProbeContext& context, FrameBuilder& builder,
                   std::span<const std::string> enabled, std::span<const std::string> disabled)
    : context_(context) {
  const std::size_t count = std::min(infos.size(), FrameBuilder::kMostSpeakers - 1);
  running_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Running& running = running_[i];
    running.info = infos[i];
    running.sink = &builder.sink(i);
    running.entity = running.sink->entity(EntityKind::agent, "probe." + std::string(infos[i]->name));
    running.wanted = !contains(disabled, infos[i]->name) && (enabled.empty() || contains(enabled, infos[i]->name));
  }
}

void ProbeSet::tick(MonoTime now) {
  for (Running& running : running_) {
    if (!running.schedule.due(now)) continue;
    if (!running.wanted) {
      report(running, now, "unavailable", "not here, because it is switched off");
      running.schedule.ran(now, std::chrono::hours(24));
      continue;
    }
    if (!running.probe) make(running, now);
    if (running.probe) read(running, now);
  }
}

void ProbeSet::make(Running& running, MonoTime now) {
  auto made = guarded([&] { return running.info->make(context_); });
  if (made) {
    running.probe = std::move(*made);
    running.descriptors = running.probe->descriptors();
    running.has_descriptors = !running.descriptors.empty();
    return;
  }
  // What this host cannot do will not change while it runs; anything else may.
  const bool never = made.error().code == ErrorCode::unsupported;
  running.schedule.ran(now, never ? Duration(std::chrono::hours(24)) : kRetry);
  report(running, now, made.error());
}

void ProbeSet::read(Running& running, MonoTime now) {
  Status status = guarded([&] { return running.probe->read(now, *running.sink); });
  if (status && running.ready_error) status = std::move(*running.ready_error);
  running.ready_error.reset();
  if (status) {
    report(running, now, "available", "");
  } else {
    report(running, now, status.error());
  }
  running.schedule.ran(now, running.probe->interval());
  // Only those that have some may change them: a lost bus connection comes back with another number.
  if (running.has_descriptors) running.descriptors = running.probe->descriptors();
}

void ProbeSet::add_descriptors(std::vector<pollfd>& polled) const {
  for (const Running& running : running_) {
    for (const int fd : running.descriptors) polled.push_back({fd, POLLIN, 0});
  }
}

bool ProbeSet::on_ready(std::span<const pollfd> polled, MonoTime now) {
  bool any = false;
  std::size_t i = 0;
  for (Running& running : running_) {
    bool ready = false;
    for (std::size_t own = 0; own < running.descriptors.size() && i < polled.size(); ++own, ++i)
      ready = ready || polled[i].revents != 0;
    if (!ready) continue;
    any = true;
    Status status = guarded([&] { return running.probe->on_ready(now, *running.sink); });
    if (!status) {
      report(running, now, status.error());
      running.ready_error = std::move(status).error();
      // One that stays readable after an error would keep us busy; the next read gives it another chance.
      running.descriptors.clear();
    }
  }
  return any;
}

void ProbeSet::report(Running& running, MonoTime now, std::string_view state, std::string_view reason) {
  if (running.state == state && running.reason == reason) return;
  running.state = state;
  running.reason = reason;
  running.sink->event({EventKind::probe_state,
                       running.entity,
                       now,
                       {{std::string(attr::kProbeName), std::string(running.info->name)},
                        {std::string(attr::kProbeState), running.state},
                        {std::string(attr::kProbeReason), running.reason}}});
}

void ProbeSet::report(Running& running, MonoTime now, const Error& error) {
  report(running, now, error.code == ErrorCode::timeout ? "late" : "unavailable", error.message());
}

}  // namespace hostmedic
