// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/process_probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/bpf/process_record.h"
#include "probes/bpf/record/process.h"
#include "process.skel.h"

namespace hostmedic {
namespace {

using bpf::ProcessEvent;

// Events per tick that are passed on. What is urgent has a share of its own, which a storm of plain exits cannot use
// up.
constexpr int kMostPlain = 100, kMostUrgent = 300;

struct SkeletonDestroy {
  void operator()(process_bpf* skeleton) const { process_bpf__destroy(skeleton); }
};
struct RingFree {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};
struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};
using Skeleton = std::unique_ptr<process_bpf, SkeletonDestroy>;

// libbpf says why it failed only in its log. The first complaint is the cause, the others follow from it.
thread_local std::string first_complaint;

[[gnu::format(printf, 2, 0)]] int take_log(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || !first_complaint.empty()) return 0;
  char line[512];
  const int size = std::vsnprintf(line, sizeof line, format, arguments);
  // Not being able to raise RLIMIT_MEMLOCK matters to no kernel that charges BPF memory to the control group.
  if (size <= 0 || std::string_view(line).find("RLIMIT_MEMLOCK") != std::string_view::npos) return 0;
  first_complaint = trim(line);
  return 0;
}

Error not_here(std::string_view why, int error) {
  std::string text = "not here, because ";
  text += why;
  if (error != 0) text += std::string(": ") + strerrordesc_np(error);
  if (!first_complaint.empty()) text += " (" + printable(first_complaint, 300) + ")";
  return make_error(ErrorCode::unsupported, std::move(text));
}

// The types of a tracepoint's arguments, without the data pointer that comes first; nullopt if the kernel does not have
// the tracepoint. A pointer is 'p', all else 'v'.
std::optional<std::string> tracepoint_arguments(const btf* types, const char* name) {
  const int id = btf__find_by_name_kind(types, (std::string("btf_trace_") + name).c_str(), BTF_KIND_TYPEDEF);
  if (id < 0) return std::nullopt;
  const btf_type* type = btf__type_by_id(types, static_cast<__u32>(id));
  type = btf__type_by_id(types, type->type);                                           // the pointer
  if (type != nullptr && btf_is_ptr(type)) type = btf__type_by_id(types, type->type);  // the function
  if (type == nullptr || !btf_is_func_proto(type) || btf_vlen(type) < 1) return std::nullopt;
  std::string kinds;
  for (int i = 1; i < btf_vlen(type); ++i) {
    const int argument = btf__resolve_type(types, btf_params(type)[i].type);
    const btf_type* resolved = argument < 0 ? nullptr : btf__type_by_id(types, static_cast<__u32>(argument));
    kinds += resolved != nullptr && btf_is_ptr(resolved) ? 'p' : 'v';
  }
  return kinds;
}

// Which of the programs fit this kernel: a test of what its tracepoints hand over, not of its version.
Status choose_programs(process_bpf& skeleton) {
  const std::unique_ptr<btf, BtfFree> types(btf__load_vmlinux_btf());
  if (!types) return not_here("the kernel does not describe its types (BTF)", errno);
  const auto exit = tracepoint_arguments(types.get(), "sched_process_exit");
  const auto oom = tracepoint_arguments(types.get(), "mark_victim");
  if (!exit || !tracepoint_arguments(types.get(), "sched_process_exec")) {
    return not_here("the kernel has no tracepoints for processes", 0);
  }
  const auto use = [](bpf_program* program, bool yes) { (void)bpf_program__set_autoload(program, yes); };
  use(skeleton.progs.on_exit_told, exit->size() >= 2);
  use(skeleton.progs.on_exit_counted, exit->size() < 2);
  use(skeleton.progs.on_oom_task, oom && oom->starts_with('p'));
  use(skeleton.progs.on_oom_pid, oom && oom->starts_with('v'));
  return ok();
}

std::uint64_t inode(int dir, const char* path) {
  struct stat found{};
  return dir >= 0 && ::fstatat(dir, path, &found, 0) == 0 ? found.st_ino : 0;
}

class ProcessProbe final : public Probe {
 public:
  static Result<std::unique_ptr<Probe>> make(const ProbeContext& context);
  explicit ProcessProbe(Skeleton skeleton) : skeleton_(std::move(skeleton)), per_cpu_(cpus()) {}

  Status read(MonoTime now, Sink& sink) override;
  Status on_ready(MonoTime now, Sink& sink) override { return drain(now, sink); }
  std::vector<int> descriptors() const override { return {ring_buffer__epoll_fd(ring_.get())}; }
  Duration interval() const override { return std::chrono::seconds(1); }

 private:
  static std::size_t cpus() { return static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())); }
  static int handle(void* self, void* data, std::size_t size) {
    static_cast<ProcessProbe*>(self)->take({static_cast<const std::byte*>(data), size});
    return 0;
  }
  void take(std::span<const std::byte> bytes);
  bool seen_before(const ProcessEvent& event);
  Status drain(MonoTime now, Sink& sink);
  Status sample_counts(Sink& sink);

  struct Names {
    SeriesId exec_seen, exit_seen, oom_seen, dropped, held_back;
  };

  // Constant after construction.
  Skeleton skeleton_;
  std::unique_ptr<ring_buffer, RingFree> ring_;

  std::vector<hm_process_counts> per_cpu_;
  std::optional<Names> names_;
  // The last processes reported, to tell a second record of the same end.
  std::array<std::pair<std::uint32_t, MonoTime>, 64> recent_{};
  std::size_t next_recent_ = 0;
  int plain_left_ = kMostPlain, urgent_left_ = kMostUrgent;
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

void ProcessProbe::take(std::span<const std::byte> bytes) {
  const auto event = bpf::decode_process_record(bytes);
  if (!event || seen_before(*event)) return;
  int& left = event->by_signal || event->kind == EventKind::oom_kill ? urgent_left_ : plain_left_;
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
    names_ = {sink.series(self, metric::kBpfSeen, "event=exec"), sink.series(self, metric::kBpfSeen, "event=exit"),
              sink.series(self, metric::kBpfSeen, "event=oom"),
              sink.series(self, metric::kBpfDropped, "reason=ring_buffer"),
              sink.series(self, metric::kBpfDropped, "reason=rate")};
  }
  const __u32 zero = 0;
  const int result = bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counts), &zero, per_cpu_.data());
  std::optional<hm_process_counts> sum;
  if (result == 0) {
    sum.emplace();
    for (const hm_process_counts& one : per_cpu_) {
      sum->exec_seen += one.exec_seen;
      sum->exit_seen += one.exit_seen;
      sum->oom_seen += one.oom_seen;
      sum->exit_dropped += one.exit_dropped;
      sum->oom_dropped += one.oom_dropped;
    }
  }
  const auto sample = [&](SeriesId id, std::uint64_t value) {
    sink.sample(id, sum ? std::optional(static_cast<double>(value)) : std::nullopt);
  };
  sample(names_->exec_seen, sum ? sum->exec_seen : 0);
  sample(names_->exit_seen, sum ? sum->exit_seen : 0);
  sample(names_->oom_seen, sum ? sum->oom_seen : 0);
  sample(names_->dropped, sum ? sum->exit_dropped + sum->oom_dropped : 0);
  sink.sample(names_->held_back, static_cast<double>(held_back_));
  if (result != 0) return errno_error(-result, "counts of the BPF programs");
  return ok();
}

Status ProcessProbe::read(MonoTime now, Sink& sink) {
  plain_left_ = kMostPlain;
  urgent_left_ = kMostUrgent;
  auto drained = drain(now, sink);
  auto counted = sample_counts(sink);
  return drained ? counted : drained;
}

Result<std::unique_ptr<Probe>> ProcessProbe::make(const ProbeContext& context) {
  if (context.roots.root_path != "/") return not_here("the tree that is read is not the running host", 0);
  first_complaint.clear();
  libbpf_set_print(take_log);
  Skeleton skeleton(process_bpf__open());
  if (!skeleton) return not_here("the programs cannot be opened", errno);
  if (auto chosen = choose_programs(*skeleton); !chosen) return std::move(chosen).error();
  // The control groups as we see them: version 2 alone, or beside version 1.
  const int sys = context.roots.sys.get();
  const bool unified = inode(sys, "fs/cgroup/cgroup.controllers") != 0;
  const bool beside = !unified && inode(sys, "fs/cgroup/unified/cgroup.procs") != 0;
  if (unified || beside) {
    skeleton->rodata->root_cgroup_id = inode(sys, unified ? "fs/cgroup" : "fs/cgroup/unified");
  }
  skeleton->rodata->pid_namespace_inum = static_cast<__u32>(inode(context.roots.proc.get(), "self/ns/pid"));
  if (const int r = process_bpf__load(skeleton.get()); r != 0) {
    if (r == -EPERM) {
      first_complaint.clear();  // libbpf guesses at memory limits
      return not_here("loading BPF programs needs CAP_BPF and CAP_PERFMON", EPERM);
    }
    return not_here("the kernel refused the programs", -r);
  }
  auto probe = std::make_unique<ProcessProbe>(std::move(skeleton));
  probe->ring_.reset(ring_buffer__new(bpf_map__fd(probe->skeleton_->maps.records), handle, probe.get(), nullptr));
  if (!probe->ring_) return not_here("the ring buffer cannot be mapped", errno);
  if (const int r = process_bpf__attach(probe->skeleton_.get()); r != 0) {
    return not_here("the kernel refused to attach the programs", -r);
  }
  return std::unique_ptr<Probe>(std::move(probe));
}

constexpr const MetricInfo* kMetrics[] = {&metric::kBpfSeen, &metric::kBpfDropped};

}  // namespace

const ProbeInfo process_probe{
    "process",
    "Processes that end by a signal or with an error, and OOM kills, from an eBPF program",
    std::chrono::seconds(1),
    "BTF, CAP_BPF and CAP_PERFMON",
    "0.3 us per program start, 0.5 us per end, 2.3 us per bad end (bpf_stats, 2-core VM, Linux 6.18)",
    kMetrics,
    ProcessProbe::make};

}  // namespace hostmedic
