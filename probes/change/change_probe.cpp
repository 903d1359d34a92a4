// SPDX-License-Identifier: Apache-2.0
// What somebody changed on this host: packages, unit files, configuration, the boot; and which package owns which
// service. The kernel says where something happened (inotify); a worker looks what it was. Without news nothing wakes
// but a slow look at everything, for what inotify does not tell.
#include <sys/timerfd.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "agent/base/clock.h"
#include "detect/model/names.h"
#include "probes/change/change_watch.h"
#include "probes/probe.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

using change::Fact;
using change::Findings;

constexpr Duration kSlow = std::chrono::minutes(10), kPoll = std::chrono::minutes(1);
constexpr Duration kDeadline = std::chrono::minutes(2);
// What is written in one go is looked at once: a little after the first news, and once a second while they last.
constexpr Duration kSettle = std::chrono::milliseconds(100), kBetween = std::chrono::seconds(1);
constexpr std::size_t kMostPerTurn = 64, kMostWaiting = 2048;

struct LookJob {
  std::shared_ptr<change::ChangeWatch> watch;
  change::Ask ask;
  Findings run() const { return watch->look(ask, wall_now()); }
};
using Looker = ProbeWorker<LookJob>;

class ChangeProbe final : public Probe {
 public:
  ChangeProbe(std::shared_ptr<change::ChangeWatch> watch, std::shared_ptr<change::DirectoryWatch> news,
              std::shared_ptr<Bell> bell, Fd timer, std::unique_ptr<Looker> looker)
      : watch_(std::move(watch)),
        news_(std::move(news)),
        bell_(std::move(bell)),
        timer_(std::move(timer)),
        looker_(std::move(looker)) {}

  Status read(MonoTime now, Sink& sink) override {
    if (!everything_at_ || now - *everything_at_ >= (polls_ ? kPoll : kSlow) - kBetween) {
      everything_at_ = now;
      ask_.everything = true;
      look_at_ = now;
    }
    step(now, sink);
    if (looker_->late(0, now)) return make_error(ErrorCode::timeout, "a file does not answer").in("change");
    return ok();
  }
  Status on_ready(MonoTime now, Sink& sink) override {
    std::uint64_t expired = 0;
    (void)!::read(timer_.get(), &expired, sizeof expired);  // only quiets it
    bell_->quiet();
    if (!news_->read(ask_.news)) ask_.everything = true;
    if (ask_.everything || !ask_.news.empty())
      look_at_ = std::min(look_at_.value_or(MonoTime::max()), std::max(now + kSettle, last_look_ + kBetween));
    step(now, sink);
    return ok();
  }
  std::vector<int> descriptors() const override { return {news_->fd(), bell_->fd(), timer_.get()}; }
  // The note is told with a read, so there is one soon after the first look.
  Duration interval() const override { return note_.empty() ? kBetween : polls_ ? kPoll : kSlow; }
  std::string_view note() const override { return note_; }

 private:
  void step(MonoTime now, Sink& sink) {
    if (auto findings = looker_->take(0)) take(std::move(*findings), now);
    if (!waiting_.empty() && now >= turn_at_) tell(now, sink);
    if (look_at_ && now >= *look_at_ && looker_->submit(0, std::make_shared<LookJob>(watch_, ask_), now + kDeadline)) {
      looker_->start();
      ask_ = {};
      look_at_.reset();
      last_look_ = now;
    }
    arm();
  }

  void take(Findings findings, MonoTime now) {
    polls_ = findings.polls;
    note_ = std::move(findings.note);
    dropped_ += findings.dropped;
    for (Fact& fact : findings.facts) {
      if (waiting_.size() < kMostWaiting) {
        waiting_.push_back(std::move(fact));
      } else {
        ++dropped_;
      }
    }
    if (look_at_) return;
    if (findings.more) look_at_ = now + kBetween;
    if (findings.unsaved) look_at_ = now + change::ChangeWatch::kSaveEvery;
  }

  // A few in a second, so that an upgrade of the whole host does not push other events aside.
  void tell(MonoTime now, Sink& sink) {
    const WallTime wall = wall_now();
    for (std::size_t i = 0; i < kMostPerTurn && !waiting_.empty(); ++i) {
      Fact fact = std::move(waiting_.front());
      waiting_.pop_front();
      const EntityId entity = sink.entity(fact.entity.kind, fact.entity.name);
      // What was before the boot takes effect with it.
      const MonoTime at = std::clamp(now - (wall - fact.at), MonoTime{}, now);
      sink.event({fact.kind, entity, at, std::move(fact.attributes)});
      sink.retire(entity);  // it lives on where others speak of it
    }
    if (dropped_ > 0) {
      sink.event({EventKind::samples_lost,
                  sink.entity(EntityKind::agent, "probe.change"),
                  now,
                  {{std::string(attr::kCount), std::to_string(std::exchange(dropped_, 0))}}});
    }
    turn_at_ = now + kBetween;
  }

  // Wakes when there is something to do; while the worker is busy its bell does that.
  void arm() {
    std::optional<MonoTime> next;
    if (!waiting_.empty()) next = turn_at_;
    if (look_at_ && !looker_->busy(0)) next = next ? std::min(*next, *look_at_) : *look_at_;
    if (next == armed_) return;
    armed_ = next;
    itimerspec at{};  // zero: off
    if (next) {
      const std::int64_t ns = std::max<std::int64_t>(to_ns(*next), 1);
      at.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
      at.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    // Can only fail by a wrong descriptor.
    (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
  }

  const std::shared_ptr<change::ChangeWatch> watch_;
  const std::shared_ptr<change::DirectoryWatch> news_;
  const std::shared_ptr<Bell> bell_;
  const Fd timer_;
  const std::unique_ptr<Looker> looker_;
  change::Ask ask_;                  // what the next look is for
  std::optional<MonoTime> look_at_;  // when it is due
  std::optional<MonoTime> armed_, everything_at_;
  MonoTime last_look_, turn_at_;
  std::deque<Fact> waiting_;
  std::uint64_t dropped_ = 0;
  bool polls_ = false;
  std::string note_;
};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  auto news = change::DirectoryWatch::make();
  if (!news) return std::move(news).error();
  auto watch = change::ChangeWatch::make(context, *news);
  if (!watch) return std::move(watch).error();
  Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return errno_error(errno, "timerfd");
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  auto looker = Looker::make(1, *bell);
  if (!looker) return std::move(looker).error();
  return std::unique_ptr<Probe>(std::make_unique<ChangeProbe>(std::move(*watch), std::move(*news), std::move(*bell),
                                                              std::move(timer), std::move(*looker)));
}

}  // namespace

extern const ProbeInfo change_probe;
const ProbeInfo change_probe{
    .name = "change",
    .summary = "packages, unit files, configuration and boots that changed",
    .interval = kSlow,
    .needs = "",
    .cost = "64 us per read; 39 ms of a worker per start, 0.3 ms per package that is upgraded; 2-core VM, Linux 6.18",
    .metrics = {},
    .make = make,
    .priority = ProbePriority::useful};

}  // namespace hostmedic
