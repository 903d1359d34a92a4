// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/run.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <span>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/text.h"
#include "agent/probe/connect.h"
#include "agent/probe/frame_builder.h"
#include "agent/probe/probe_set.h"
#include "agent/probe/self_cost.h"
#include "agent/self/governor.h"
#include "detect/model/codec.h"
#include "detect/model/names.h"
#include "probes/bpf/rights.h"
#include "probes/source/roots.h"

namespace hostmedic {
namespace {

constexpr int kSendBufferBytes = 1 << 20;  // the kernel may grant less
// Events go out as they come, this many times in a row; one turn comes back per kGather. A storm has used them up soon
// and is gathered, so that it costs a bounded number of frames; the death of a service is a handful of events, one
// shortly after the other, and none of them waits.
constexpr int kTurns = 20;
constexpr Duration kGather = std::chrono::milliseconds(10);

// Ticks at whole seconds of the boot clock.
Result<Fd> make_tick_timer() {
  Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return errno_error(errno, "timerfd");
  itimerspec every_second{};
  every_second.it_value.tv_sec = static_cast<time_t>(to_ns(mono_now()) / 1'000'000'000 + 1);
  every_second.it_interval.tv_sec = 1;
  if (::timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &every_second, nullptr) != 0)
    return errno_error(errno, "timerfd");
  return timer;
}

Status check_names(std::span<const ProbeInfo* const> probes, std::span<const std::string> names) {
  std::vector<std::string_view> known;
  for (const ProbeInfo* info : probes) known.push_back(info->name);
  for (const std::string& name : names) {
    bool found = false;
    for (const std::string_view one : known) found = found || one == name;
    if (found) continue;
    std::string what = "no probe is called '" + printable(name, 40) + "'";
    const std::string_view close = nearest(name, known);
    if (!close.empty()) what += "; did you mean '" + std::string(close) + "'?";
    return make_error(ErrorCode::not_found, what);
  }
  return ok();
}

constexpr Duration kMostMaking = std::chrono::minutes(3);

// again: what is to be loaded anew needs capabilities that were given back; only a new process has them.
enum class Ended { stopped, disconnected, again };

class Runner {
 public:
  Runner(const ProbeOptions& options, const Roots& roots, Fd timer, int stop_fd)
      : options_(options),
        roots_(roots),
        timer_(std::move(timer)),
        stop_fd_(stop_fd),
        governor_({options.settings.cpu_budget, options.settings.memory_budget}) {
    if (options.own_process) {
      watchdog_ = watchdog_period();
      allowed_ = watchdog_.value_or(Duration{});
      self_.emplace(roots.proc.get(), options.part);
    }
  }

  Status run() {
    notify("READY=1");
    if (options_.connection) {
      (void)serve(options_.connection.get());  // either end of it is the end of the run
      return ok();
    }
    bool told = false;
    for (;;) {
      const auto connection = connect_daemon(options_.socket);
      if (connection) {
        told = false;
        log_notice("connected to the agent at " + options_.socket);
        const Ended ended = serve(connection->get());
        if (ended == Ended::stopped) return ok();
        if (given_back_ || ended == Ended::again)
          return make_error(ErrorCode::conflict, "its programs are to be loaded again, for which it is started again");
        log_notice("the agent is gone; connecting again every second");
      } else if (!told) {
        told = true;
        log_notice(connection.error().message() + "; trying again every second");
      }
      if (wait_second() == Ended::stopped) return ok();
    }
  }

 private:
  void notify(std::string_view state) const {
    if (!options_.own_process) return;
    if (auto status = notify_manager(state); !status) log_warning(status.error().message() + " (ignored)");
  }
  // The kernel looks through each program that is loaded; on a slow or busy host one alone takes longer than a
  // probe that works may ever be silent.
  void allow_silence(Duration most) {
    if (!watchdog_ || most == allowed_) return;
    allowed_ = most;
    notify(strf("WATCHDOG_USEC=%lld\nWATCHDOG=1", static_cast<long long>(most / std::chrono::microseconds(1))));
  }
  void feed_watchdog(MonoTime now) {
    if (!watchdog_ || now - fed_at_ < *watchdog_ / 3) return;
    fed_at_ = now;
    notify("WATCHDOG=1");
  }

  Ended wait_second() {
    pollfd polled[] = {{timer_.get(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    (void)::poll(polled, 2, -1);  // an interrupted wait is a short one
    if (polled[1].revents != 0) return Ended::stopped;
    (void)take_tick();
    feed_watchdog(mono_now());
    return Ended::disconnected;
  }
  bool take_tick() const {
    std::uint64_t expirations = 0;
    return ::read(timer_.get(), &expirations, sizeof expirations) == sizeof expirations;
  }

  Ended serve(int connection);
  void tick(ProbeSet& probes);
  void govern(MonoTime now, ProbeSet& probes);
  // Once everything is loaded, and where a service manager starts this process again when it is needed.
  void give_back(const ProbeSet& probes);
  // False when the peer is gone.
  bool flush(int connection);

  const ProbeOptions& options_;
  const Roots& roots_;
  const Fd timer_;
  const int stop_fd_;
  std::optional<Duration> watchdog_;
  Duration allowed_{};  // silence, as the manager was last told
  MonoTime fed_at_;
  FrameBuilder builder_;
  std::optional<SelfCost> self_;
  Governor governor_;
  SeriesId level_ = kNoSeries;
  std::vector<pollfd> polled_;
  std::string encoded_;
  bool full_ = false;                        // the socket takes no more
  bool tried_ = false, given_back_ = false;  // the capabilities to load programs
};

constexpr std::size_t kTimer = 0, kStop = 1, kConnection = 2, kProbes = 3;

void Runner::tick(ProbeSet& probes) {
  const MonoTime now = mono_now();
  feed_watchdog(now);
  if (watchdog_) allow_silence(probes.makes(now) ? std::max(kMostMaking, *watchdog_) : *watchdog_);
  builder_.begin_tick(now, wall_now());
  probes.tick(now);
  if (self_) govern(now, probes);
  if (options_.own_process && !tried_) give_back(probes);
  // Workers that were asked above have mostly answered by now: their samples join the same frame.
  polled_.resize(kProbes);
  probes.add_descriptors(polled_);
  const std::span<pollfd> ready(polled_.begin() + kProbes, polled_.end());
  if (!ready.empty() && ::poll(ready.data(), ready.size(), 0) > 0) (void)probes.on_ready(ready, now);
}

void Runner::give_back(const ProbeSet& probes) {
  if (probes.loads_left(false)) return;
  tried_ = true;
  if (!bpf::holds_rights() || std::getenv("NOTIFY_SOCKET") == nullptr) return;
  const Status status = bpf::give_back_rights(roots_.proc.get());
  given_back_ = static_cast<bool>(status);
  log_notice(given_back_ ? "gave back CAP_BPF and CAP_PERFMON: all programs are loaded"
                         : "keeps CAP_BPF and CAP_PERFMON, because " + status.error().message());
}

// Keeps the agent below its budget.
void Runner::govern(MonoTime now, ProbeSet& probes) {
  Sink& sink = builder_.sink(FrameBuilder::kMostSpeakers - 1);
  const auto total = self_->read(now, sink);
  if (!total) return;
  const auto change = governor_.observe(now, total->cpu, total->resident);
  const EntityId self = sink.entity(EntityKind::agent, options_.part);
  if (level_ == kNoSeries) level_ = sink.series(self, metric::kAgentBudgetLevel);
  sink.sample(level_, governor_.level());
  if (!change) return;
  probes.set_pace(governor_.pace());
  sink.event({EventKind::agent_budget,
              self,
              now,
              {{std::string(attr::kBudgetLevel), std::to_string(change->level)},
               {std::string(attr::kBudgetReason), std::string(change->reason)},
               {std::string(attr::kBudgetCpu), strf("%.4f", change->cpu)},
               {std::string(attr::kBudgetMemory), std::to_string(change->resident.count)}}});
}

Ended Runner::serve(int connection) {
  // Best effort: with a small buffer frames are dropped sooner, and counted.
  (void)::setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  builder_.reset();
  full_ = false;
  if (self_) {
    self_->begin(connection);
    level_ = kNoSeries;
  }
  const ProbeContext context{roots_, options_.settings, options_.askers};
  ProbeSet probes(options_.probes, context, builder_, options_.enabled, options_.settings.disable);
  probes.set_pace(governor_.pace());
  tick(probes);
  if (!flush(connection)) return Ended::disconnected;

  MonoTime used_until;  // when all turns will be back
  for (;;) {
    const MonoTime before = mono_now();
    const MonoTime gather_until = used_until - (kTurns - 1) * kGather;
    const bool gathering = before < gather_until;
    polled_.resize(kProbes);
    polled_[kTimer] = {timer_.get(), POLLIN, 0};
    polled_[kStop] = {stop_fd_, POLLIN, 0};
    polled_[kConnection] = {connection, static_cast<short>(full_ ? POLLIN | POLLOUT : POLLIN), 0};
    if (!gathering) probes.add_descriptors(polled_);
    const int wait_ms = gathering ? static_cast<int>((gather_until - before) / std::chrono::milliseconds(1)) + 1 : -1;
    if (::poll(polled_.data(), polled_.size(), wait_ms) < 0) continue;  // interrupted
    if (polled_[kStop].revents != 0) return Ended::stopped;
    if (const short state = polled_[kConnection].revents; (state & (POLLIN | POLLHUP | POLLERR)) != 0) {
      char ignored[64];  // the daemon has nothing to say; what matters is whether it is there
      const ssize_t n = ::recv(connection, ignored, sizeof ignored, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return Ended::disconnected;
    }
    const MonoTime now = mono_now();
    builder_.set_time(now, wall_now());
    // Before the tick, which asks for the descriptors anew.
    if (polled_.size() > kProbes && probes.on_ready(std::span(polled_).subspan(kProbes), now))
      used_until = std::max(used_until, now) + kGather;
    if (polled_[kTimer].revents != 0 && take_tick()) tick(probes);
    if (given_back_ && probes.loads_left(true)) return Ended::again;
    if (!flush(connection)) return Ended::disconnected;
  }
}

bool Runner::flush(int connection) {
  full_ = false;
  while (builder_.pending()) {
    encode_frame(builder_.next(mono_now(), wall_now()), encoded_);
    const ssize_t n = ::send(connection, encoded_.data(), encoded_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      builder_.sent();
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      full_ = true;
      return true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

Status run_probe(const ProbeOptions& options, int stop_fd) {
  if (auto status = check_names(options.probes, options.enabled); !status) return status;
  if (auto status = check_names(options.probes, options.settings.disable); !status) return status;
  auto roots = open_roots(options.prefix);
  if (!roots) return std::move(roots).error();
  auto timer = make_tick_timer();
  if (!timer) return std::move(timer).error();
  Runner runner(options, *roots, std::move(*timer), stop_fd);
  return runner.run();
}

}  // namespace hostmedic
