// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/probe_set.h"

#include <malloc.h>

#include <algorithm>
#include <ctime>
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

// Making what loads programs into the kernel takes a slow host seconds each. What is left over waits for the next tick,
// so that the first frames come early and the watchdog is fed.
constexpr Duration kMostMaking = std::chrono::seconds(1);
constexpr Duration kForever = std::chrono::hours(24), kCostInterval = std::chrono::seconds(10);

// Adds the processor time of this thread from its making to its end.
class Stopwatch {
 public:
  explicit Stopwatch(Duration& ret_sum) : sum_(ret_sum), begin_(used()) {}
  ~Stopwatch() { sum_ += used() - begin_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  static Duration used() {
    timespec now{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);  // there is no kernel without it
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }
  Duration& sum_;
  const Duration begin_;
};

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
    : context_(context), builder_(builder) {
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
  bool made = false;
  Duration making{};
  for (Running& running : running_) {
    const bool is_new = !running.probe;
    if (!running.schedule.due(now) || (is_new && making > kMostMaking)) continue;
    const Duration before = running.cpu;
    {
      const Stopwatch watch(running.cpu);
      made = step(running, now) || made;
    }
    if (is_new) making += running.cpu - before;
  }
  // What was needed only to start, such as the kernel's types, goes back at once.
  if (made) (void)::malloc_trim(0);
  if (cost_schedule_.due(now)) sample_cost(now);
}

bool ProbeSet::makes(MonoTime now) const {
  return std::ranges::any_of(running_, [&](const Running& running) {
    return running.wanted && !running.probe && factor(running) > 0 && running.schedule.due(now);
  });
}

bool ProbeSet::loads_left(bool called) const {
  return std::ranges::any_of(running_, [&](const Running& running) {
    const bool loads = running.info->needs.find("CAP_BPF") != std::string_view::npos;
    return loads && running.wanted && !running.probe && !running.never && (!called || factor(running) > 0);
  });
}

// True if the probe was made by this call.
bool ProbeSet::step(Running& running, MonoTime now) {
  if (!running.wanted) {
    report(running, now, "unavailable", "not here, because it is switched off");
    running.schedule.ran(now, kForever);
    return false;
  }
  if (factor(running) == 0) {
    put_away(running, now);
    return false;
  }
  const bool made = !running.probe && make(running, now);
  if (running.probe) read(running, now);
  return made;
}

int ProbeSet::factor(const Running& running) const {
  switch (running.info->priority) {
    case ProbePriority::vital: return pace_.vital;
    case ProbePriority::useful: return pace_.useful;
    case ProbePriority::detail: return pace_.detail;
  }
  return 1;
}

void ProbeSet::set_pace(const Pace& pace) {
  pace_ = pace;
  for (Running& running : running_) {
    const bool waits = running.put_away, wanted = factor(running) > 0;
    if (waits == wanted) running.schedule = {};  // put it away, or call it back, with the next tick
    running.put_away = !wanted;
  }
}

void ProbeSet::put_away(Running& running, MonoTime now) {
  running.schedule.ran(now, kForever);
  if (!running.probe) return;
  report(running, now, "unavailable", "not now, because the agent would cost more than its budget");
  running.probe.reset();
  running.descriptors.clear();
  running.ready_error.reset();
  builder_.retire_all(static_cast<std::size_t>(&running - running_.data()));
  running.cpu_series = kNoSeries;
}

void ProbeSet::sample_cost(MonoTime now) {
  cost_schedule_.ran(now, kCostInterval);
  for (Running& running : running_) {
    if (!running.probe) continue;
    if (running.cpu_series == kNoSeries) {
      running.entity = running.sink->entity(EntityKind::agent, "probe." + std::string(running.info->name));
      running.cpu_series = running.sink->series(running.entity, metric::kProbeCpuTime);
    }
    running.sink->sample(running.cpu_series, to_seconds(running.cpu));
  }
}

bool ProbeSet::make(Running& running, MonoTime now) {
  auto made = guarded([&] { return running.info->make(context_); });
  if (made) {
    running.probe = std::move(*made);
    running.descriptors = running.probe->descriptors();
    running.has_descriptors = !running.descriptors.empty();
    return true;
  }
  // What this host cannot do will not change while it runs; anything else may.
  running.never = made.error().code == ErrorCode::unsupported;
  running.schedule.ran(now, running.never ? kForever : kRetry);
  report(running, now, made.error());
  return false;
}

void ProbeSet::read(Running& running, MonoTime now) {
  Status status = guarded([&] { return running.probe->read(now, *running.sink); });
  if (status && running.ready_error) status = std::move(*running.ready_error);
  running.ready_error.reset();
  if (status) {
    report(running, now, "available", running.probe->note());
  } else {
    report(running, now, status.error());
  }
  running.schedule.ran(now, running.probe->interval() * factor(running));
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
    const Stopwatch watch(running.cpu);
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
