// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/process_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "detect/model/names.h"
#include "probes/bpf/load.h"
#include "probes/bpf/process_record.h"
#include "probes/bpf/record/process.h"
#include "process.skel.h"

namespace hostmedic {
namespace {

using bpf::ProcessEvent;

// Events per tick that are passed on. What is urgent has a share of its own, which a storm of the rest cannot use up.
constexpr int kMostPlain = 100, kMostUrgent = 300, kMostStarts = 50;

using Skeleton = bpf::Handle<process_bpf, process_bpf__destroy>;

// Which of the programs fit this kernel: a test of what its tracepoints hand over, not of its version.
Status choose_programs(process_bpf& skeleton) {
  const auto types = bpf::KernelTypes::load();
  if (!types) return types.error();
  const auto exit = types->tracepoint_arguments("sched_process_exit");
  const auto oom = types->tracepoint_arguments("mark_victim");
  const auto exec = types->tracepoint_arguments("sched_process_exec");
  if (!exit || !exec || !exec->starts_with("pvp")) {
    return bpf::not_here("the kernel has no tracepoints for processes", 0);
  }
  const auto use = [](bpf_program* program, bool yes) { (void)bpf_program__set_autoload(program, yes); };
  use(skeleton.progs.on_exit_told, exit->size() >= 2);
  use(skeleton.progs.on_exit_counted, exit->size() < 2);
  use(skeleton.progs.on_signal, types->tracepoint_arguments("signal_generate") == "vppvv");
  use(skeleton.progs.on_oom_task, oom && oom->starts_with('p'));
  use(skeleton.progs.on_oom_pid, oom && oom->starts_with('v'));
  return ok();
}

class ProcessProbe final : public Probe {
 public:
  static Result<std::unique_ptr<Probe>> make(const ProbeContext& context);
  explicit ProcessProbe(Skeleton skeleton) : skeleton_(std::move(skeleton)), per_cpu_(bpf::cpus()) {}

  Status read(MonoTime now, Sink& sink) override;
  Status on_ready(MonoTime now, Sink& sink) override { return drain(now, sink); }
  std::vector<int> descriptors() const override { return {ring_buffer__epoll_fd(ring_.get())}; }
  Duration interval() const override { return std::chrono::seconds(1); }

 private:
  static int handle(void* self, void* data, std::size_t size) {
    static_cast<ProcessProbe*>(self)->take({static_cast<const std::byte*>(data), size});
    return 0;
  }
  void take(std::span<const std::byte> bytes);
  bool seen_before(const ProcessEvent& event);
  int& share_of(const ProcessEvent& event);
  Status drain(MonoTime now, Sink& sink);
  Status sample_counts(Sink& sink);

  struct Names {
    SeriesId exec_seen, exit_seen, oom_seen, signal_seen, dropped, held_back;
  };

  // Constant after construction.
  Skeleton skeleton_;
  bpf::Handle<ring_buffer, ring_buffer__free> ring_;

  std::vector<hm_process_counts> per_cpu_;
  std::optional<Names> names_;
  // The last processes reported, to tell a second record of the same end.
  std::array<std::pair<std::uint32_t, MonoTime>, 64> recent_{};
  std::size_t next_recent_ = 0;
  int plain_left_ = kMostPlain, urgent_left_ = kMostUrgent, starts_left_ = kMostStarts;
  std::uint64_t held_back_ = 0;
  // Valid while records are drained.
  MonoTime now_;
  Sink* sink_ = nullptr;
};

bool ProcessProbe::seen_before(const ProcessEvent& event) {
  const auto key = std::pair(event.pid, event.started);
  if (event.pid == 0 || event.kind != EventKind::process_exit) return false;
  if (std::ranges::find(recent_, key) != recent_.end()) return true;
  recent_[next_recent_++ % recent_.size()] = key;
  return false;
}

int& ProcessProbe::share_of(const ProcessEvent& event) {
  if (event.kind == EventKind::process_exec) return starts_left_;
  return event.by_signal || event.kind != EventKind::process_exit ? urgent_left_ : plain_left_;
}

void ProcessProbe::take(std::span<const std::byte> bytes) {
  const auto event = bpf::decode_process_record(bytes);
  if (!event || seen_before(*event)) return;
  int& left = share_of(*event);
  if (left == 0) {
    ++held_back_;
    return;
  }
  --left;
  // About the service if it is one's process. Given back at once: who else knows the unit keeps it.
  const bool service = event->unit.ends_with(".service");
  const EntityId about =
      service ? sink_->entity(EntityKind::service, event->unit) : sink_->entity(EntityKind::host, "");
  sink_->event({event->kind, about, std::min(event->at, now_), process_attributes(*event)});
  if (service) sink_->retire(about);
}

Status ProcessProbe::drain(MonoTime now, Sink& sink) {
  now_ = now;
  sink_ = &sink;
  const int result = ring_buffer__consume(ring_.get());
  sink_ = nullptr;
  if (result < 0) return errno_error(-result, "ring buffer");
  return ok();
}

Status ProcessProbe::sample_counts(Sink& sink) {
  if (!names_) {
    const EntityId self = sink.entity(EntityKind::agent, "probe.process");
    names_ = {sink.series(self, metric::kBpfSeen, "event=exec"),
              sink.series(self, metric::kBpfSeen, "event=exit"),
              sink.series(self, metric::kBpfSeen, "event=oom"),
              sink.series(self, metric::kBpfSeen, "event=signal"),
              sink.series(self, metric::kBpfDropped, "reason=ring_buffer"),
              sink.series(self, metric::kBpfDropped, "reason=rate")};
  }
  const auto sum = bpf::sum_per_cpu(bpf_map__fd(skeleton_->maps.counts), std::span(per_cpu_));
  const auto sample = [&](SeriesId id, std::uint64_t value) {
    sink.sample(id, sum ? std::optional(static_cast<double>(value)) : std::nullopt);
  };
  sample(names_->exec_seen, sum ? sum->exec_seen : 0);
  sample(names_->exit_seen, sum ? sum->exit_seen : 0);
  sample(names_->oom_seen, sum ? sum->oom_seen : 0);
  sample(names_->signal_seen, sum ? sum->signal_seen : 0);
  sample(names_->dropped, sum ? sum->exec_dropped + sum->exit_dropped + sum->oom_dropped + sum->signal_dropped : 0);
  sample(names_->held_back, held_back_ + (sum ? sum->exec_held_back : 0));
  return sum ? ok() : Status(sum.error());
}

Status ProcessProbe::read(MonoTime now, Sink& sink) {
  plain_left_ = kMostPlain;
  urgent_left_ = kMostUrgent;
  starts_left_ = kMostStarts;
  auto drained = drain(now, sink);
  auto counted = sample_counts(sink);
  return drained ? counted : drained;
}

Result<std::unique_ptr<Probe>> ProcessProbe::make(const ProbeContext& context) {
  if (auto allowed = bpf::begin(context); !allowed) return std::move(allowed).error();
  Skeleton skeleton(process_bpf__open());
  if (!skeleton) return bpf::not_here("the programs cannot be opened", errno);
  if (auto chosen = choose_programs(*skeleton); !chosen) return std::move(chosen).error();
  const bpf::OwnPlace place = bpf::own_place(context.roots);
  skeleton->rodata->root_cgroup_id = place.root_cgroup_id;
  skeleton->rodata->pid_namespace_inum = place.pid_namespace_inum;
  skeleton->rodata->page_bytes = static_cast<__u32>(::sysconf(_SC_PAGESIZE));
  if (const int r = process_bpf__load(skeleton.get()); r != 0) return bpf::load_error(r);
  auto probe = std::make_unique<ProcessProbe>(std::move(skeleton));
  probe->ring_.reset(ring_buffer__new(bpf_map__fd(probe->skeleton_->maps.records), handle, probe.get(), nullptr));
  if (!probe->ring_) return bpf::not_here("the ring buffer cannot be mapped", errno);
  if (const int r = process_bpf__attach(probe->skeleton_.get()); r != 0) {
    return bpf::not_here("the kernel refused to attach the programs", -r);
  }
  return std::unique_ptr<Probe>(std::move(probe));
}

constexpr const MetricInfo* kMetrics[] = {&metric::kBpfSeen, &metric::kBpfDropped};

}  // namespace

const ProbeInfo process_probe{
    "process",
    "Programs that start, for each service each kind once in ten minutes; processes that end by a signal or with an "
    "error, who sent the signal, and OOM kills; from an eBPF program",
    std::chrono::seconds(1),
    "BTF, CAP_BPF and CAP_PERFMON",
    "1.5 us per program start, 0.4 us per end, 0.2 us per signal, 2.3 us per bad end (bpf_stats, 2-core VM, Linux "
    "6.18)",
    kMetrics,
    ProcessProbe::make};

}  // namespace hostmedic
