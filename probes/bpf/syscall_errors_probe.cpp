// SPDX-License-Identifier: Apache-2.0
// System calls that fail, of each service and of the whole host, by kind of call and error: descriptors that ran out,
// disks that are full, rights that are missing, peers that refuse. Sampled: a worker attaches the program for 50 ms
// every 10 to 15 s, because while it is attached every system call of the host is slower (by 70 % for the shortest, so
// by 0.3 % in the mean); what was counted is scaled to the whole time. A failure that keeps coming back is seen within
// a few windows, a single one mostly not at all. Bounded: services, kinds and errors together at most kMostRows; those
// refused are counted. One thread and a worker.
#include <algorithm>
#include <cmath>
#include <map>
#include <thread>
#include <utility>

#include "detect/model/names.h"
#include "probes/bpf/syscall_sampler.h"
#include "probes/probe.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

constexpr Duration kWindow = std::chrono::milliseconds(50);
constexpr Duration kPause = std::chrono::seconds(10);
constexpr unsigned kMostJitter = 6;  // 0 to 5 s more, so that no timer of the host keeps in step with us
constexpr Duration kDeadline = std::chrono::seconds(5);
constexpr Duration kForget = std::chrono::minutes(30);  // a service without a failure for this long
constexpr std::size_t kMostRows = 512;

struct CountFailures {
  std::shared_ptr<bpf::SyscallSampler> sampler;  // shared, because a hung worker outlives its probe
  Result<bpf::FailureWindow> run() const {
    if (auto started = sampler->start(); !started) return std::move(started).error();
    std::this_thread::sleep_for(kWindow);
    return sampler->stop();
  }
};
using Worker = ProbeWorker<CountFailures>;

// The counters of one service; of the whole host under the empty name.
struct Known {
  EntityId entity{};
  MonoTime failed;  // last time
  struct Counter {
    SeriesId series{};
    double total = 0;
  };
  std::map<std::pair<std::string_view, std::string_view>, Counter> counters;  // by call and error
};

class SyscallErrorsProbe final : public Probe {
 public:
  static Result<std::unique_ptr<Probe>> make(const ProbeContext& context);
  SyscallErrorsProbe(std::shared_ptr<Bell> bell, std::unique_ptr<Worker> worker,
                     std::unique_ptr<bpf::SyscallSampler> sampler)
      : bell_(std::move(bell)), worker_(std::move(worker)), job_(std::make_shared<CountFailures>()) {
    auto job = std::make_shared<CountFailures>();
    job->sampler = std::move(sampler);
    job_ = std::move(job);
  }

  Status read(MonoTime now, Sink& sink) override;
  Status on_ready(MonoTime now, Sink& sink) override;
  std::vector<int> descriptors() const override { return {bell_->fd()}; }
  Duration interval() const override { return kPause + std::chrono::seconds(jitter_ % kMostJitter); }

 private:
  void add(const std::string& service, const bpf::Failure& failure, double scale, MonoTime now, Sink& sink);
  void forget(MonoTime now, Sink& sink);
  void sample(Sink& sink, bool known);

  const std::shared_ptr<Bell> bell_;
  const std::unique_ptr<Worker> worker_;
  std::shared_ptr<const CountFailures> job_;

  std::map<std::string, Known> services_;
  std::size_t rows_ = 0;
  std::uint64_t refused_ = 0, dropped_ = 0;
  double sampled_ = 0;  // share of the time since the last window that was looked at
  std::optional<MonoTime> counted_at_;
  std::optional<Error> problem_;
  SeriesId refused_series_ = kNoSeries, dropped_series_ = kNoSeries, sampled_series_ = kNoSeries;
  unsigned jitter_ = 1;
};

Status SyscallErrorsProbe::read(MonoTime now, Sink& sink) {
  jitter_ = (jitter_ * 1103515245u + 12345u) >> 8;
  if (worker_->late(0, now)) {
    sample(sink, false);
    return make_error(ErrorCode::timeout, "attaching to the system calls does not return");
  }
  if (worker_->submit(0, job_, now + kDeadline)) worker_->start();
  return problem_ ? Status(*problem_) : ok();
}

Status SyscallErrorsProbe::on_ready(MonoTime now, Sink& sink) {
  bell_->quiet();
  auto answer = worker_->take(0);
  if (!answer) return ok();
  problem_.reset();
  if (!*answer) {
    problem_ = std::move(*answer).error();  // said by the next read
    sample(sink, false);
    return ok();
  }
  const bpf::FailureWindow& window = **answer;
  const Duration period = counted_at_ ? std::max(now - *counted_at_, window.length) : window.length;
  counted_at_ = now;
  if (window.length > Duration::zero()) {
    const double scale = std::chrono::duration<double>(period) / window.length;
    sampled_ = 1 / scale;
    for (const bpf::Failure& failure : window.failures) {
      add("", failure, scale, now, sink);
      if (failure.unit.ends_with(".service")) add(failure.unit, failure, scale, now, sink);
    }
  }
  dropped_ = window.dropped;
  forget(now, sink);
  sample(sink, true);
  return ok();
}

void SyscallErrorsProbe::add(const std::string& service, const bpf::Failure& failure, double scale, MonoTime now,
                             Sink& sink) {
  const auto name = std::pair(failure.call, failure.error);
  auto known = services_.find(service);
  const bool is_new = known == services_.end() || !known->second.counters.contains(name);
  if (is_new && rows_ == kMostRows) {
    refused_ += failure.count;
    return;
  }
  if (known == services_.end()) {
    known = services_.try_emplace(service).first;
    known->second.entity = sink.entity(service.empty() ? EntityKind::host : EntityKind::service, service);
  }
  Known::Counter& counter = known->second.counters[name];
  if (is_new) {
    ++rows_;
    std::string attributes = "hostmedic.syscall.kind=";
    attributes.append(failure.call).append(",error.type=").append(failure.error);
    counter.series = sink.series(known->second.entity, metric::kSyscallErrors, attributes);
  }
  counter.total += static_cast<double>(failure.count) * scale;
  known->second.failed = now;
}

void SyscallErrorsProbe::forget(MonoTime now, Sink& sink) {
  for (auto known = services_.begin(); known != services_.end();) {
    if (known->first.empty() || now - known->second.failed < kForget) {
      ++known;
      continue;
    }
    sink.retire(known->second.entity);
    rows_ -= known->second.counters.size();
    known = services_.erase(known);
  }
}

void SyscallErrorsProbe::sample(Sink& sink, bool known) {
  if (sampled_series_ == kNoSeries) {
    const EntityId self = sink.entity(EntityKind::agent, "probe.syscall-errors");
    sampled_series_ = sink.series(self, metric::kSyscallSampled);
    dropped_series_ = sink.series(self, metric::kBpfDropped, "reason=map");
    refused_series_ = sink.series(self, metric::kBpfDropped, "reason=rows");
  }
  const auto tell = [&](SeriesId series, double value) {
    sink.sample(series, known ? std::optional(value) : std::nullopt);
  };
  for (const auto& [name, service] : services_) {
    for (const auto& [kind, counter] : service.counters) tell(counter.series, std::round(counter.total));
  }
  tell(sampled_series_, sampled_);
  tell(dropped_series_, static_cast<double>(dropped_));
  tell(refused_series_, static_cast<double>(refused_));
}

Result<std::unique_ptr<Probe>> SyscallErrorsProbe::make(const ProbeContext& context) {
  auto sampler = bpf::SyscallSampler::make(context);
  if (!sampler) return std::move(sampler).error();
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  auto worker = Worker::make(1, *bell);
  if (!worker) return std::move(worker).error();
  return std::unique_ptr<Probe>(
      std::make_unique<SyscallErrorsProbe>(std::move(*bell), std::move(*worker), std::move(*sampler)));
}

constexpr const MetricInfo* kMetrics[] = {&metric::kSyscallErrors, &metric::kSyscallSampled, &metric::kBpfDropped};

}  // namespace

extern const ProbeInfo syscall_errors_probe;
const ProbeInfo syscall_errors_probe{
    "syscall-errors",
    "System calls that fail, by service, kind of call and error, sampled by an eBPF program",
    kPause,
    "BTF, CAP_BPF and CAP_PERFMON",
    "0.5 ms per window in a worker; while a window is open a system call takes 84 ns more (2-core VM, Linux 6.18)",
    kMetrics,
    SyscallErrorsProbe::make};

}  // namespace hostmedic
