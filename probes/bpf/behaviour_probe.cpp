// SPDX-License-Identifier: Apache-2.0
// What programs rarely do (gain another user's rights, run from memory, trace another process, load kernel modules) and
// errors of filesystems, from the kernel itself. Loads behaviour.bpf.c and owns it. One thread. Of no kind more than 20
// per second are told; the counters know of all. A kind whose hook this kernel does not have has no counter.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <vector>

#include "behaviour.skel.h"
#include "detect/model/names.h"
#include "probes/bpf/behaviour_record.h"
#include "probes/bpf/load.h"
#include "probes/bpf/record/behaviour.h"
#include "probes/parse/mountinfo.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"
#include "probes/source/roots.h"

namespace hostmedic {
namespace {

using bpf::BehaviourEvent;
using Skeleton = bpf::Handle<behaviour_bpf, behaviour_bpf__destroy>;

// Which kinds of records can come at all.
using Watched = std::array<bool, HM_BEHAVIOUR_KINDS>;

// Programs of BTF tracepoints that fit this kernel. Those of raw tracepoints are tried in attach_raw.
Result<Watched> choose_programs(behaviour_bpf& skeleton) {
  const auto types = bpf::KernelTypes::load();
  if (!types) return types.error();
  Watched watched{};
  bool any = false;
  const auto use = [&](bpf_program* program, const char* tracepoint, std::string_view arguments,
                       std::initializer_list<int> kinds) {
    const auto has = types->tracepoint_arguments(tracepoint);
    const bool fits = has && has->starts_with(arguments);
    (void)bpf_program__set_autoload(program, fits);
    any = any || fits;
    for (const int kind : kinds) watched[static_cast<std::size_t>(kind)] = fits;
  };
  const auto& programs = skeleton.progs;
  use(programs.on_exec, "sched_process_exec", "pvp", {HM_SETUID_EXEC, HM_MEMFD_EXEC, HM_TRACED_EXEC});
  use(programs.on_signal, "signal_generate", "vpp", {HM_TRACE_ATTACH});
  use(programs.on_module_load, "module_load", "p", {HM_MODULE_LOAD});
  use(programs.on_module_free, "module_free", "p", {HM_MODULE_UNLOAD});
  use(programs.on_writeback_error, "filemap_set_wb_err", "p", {HM_FS_WRITEBACK});
  if (!any) return bpf::not_here("the kernel has none of the tracepoints", 0);
  (void)bpf_program__set_autoattach(programs.on_ext4_error, false);
  (void)bpf_program__set_autoattach(programs.on_xfs_shutdown, false);
  return watched;
}

// A filesystem whose module is not loaded has no tracepoint to attach to.
bool attach_raw(bpf_program* program, const char* tracepoint, bpf_link*& ret_link) {
  ret_link = bpf_program__attach_raw_tracepoint(program, tracepoint);
  return ret_link != nullptr;
}

class BehaviourProbe final : public Probe {
 public:
  static Result<std::unique_ptr<Probe>> make(const ProbeContext& context);
  BehaviourProbe(Skeleton skeleton, const Roots& roots)
      : skeleton_(std::move(skeleton)),
        mounts_(roots.proc.get(), mount_view(roots).mountinfo, KeptFile::Shape::pieces),
        per_cpu_(static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus()))) {}

  Status read(MonoTime now, Sink& sink) override {
    auto drained = drain(now, sink);
    auto counted = sample_counts(sink);
    return drained ? counted : drained;
  }
  Status on_ready(MonoTime now, Sink& sink) override { return drain(now, sink); }
  std::vector<int> descriptors() const override { return {ring_buffer__epoll_fd(ring_.get())}; }
  Duration interval() const override { return std::chrono::seconds(1); }

 private:
  static int handle(void* self, void* data, std::size_t size) {
    static_cast<BehaviourProbe*>(self)->take({static_cast<const std::byte*>(data), size});
    return 0;
  }
  void take(std::span<const std::byte> bytes);
  EntityId subject(const BehaviourEvent& event);
  Status drain(MonoTime now, Sink& sink);
  Status sample_counts(Sink& sink);

  // Constant after construction.
  Skeleton skeleton_;
  bpf::Handle<ring_buffer, ring_buffer__free> ring_;
  Watched watched_{};

  KeptFile mounts_;
  std::vector<hm_behaviour_counts> per_cpu_;
  std::array<SeriesId, HM_BEHAVIOUR_KINDS> seen_{};
  SeriesId ring_dropped_ = kNoSeries, rate_dropped_ = kNoSeries;
  bool named_ = false;
  // Valid while records are drained.
  MonoTime now_;
  Sink* sink_ = nullptr;
};

// Where the device is mounted; the whole of it rather than a part.
std::string mount_point_of(const BehaviourEvent& event, KeptFile& mountinfo) {
  const auto text = mountinfo.read();
  const auto mounts = text ? parse_mountinfo(*text) : Result<std::vector<Mount>>(text.error());
  std::string found;
  if (!mounts) return found;  // then the event is about the host and names the device
  for (const Mount& mount : *mounts) {
    if (mount.major != event.major || mount.minor != event.minor) continue;
    if (found.empty() || mount.root == "/") found = mount.mount_point;
    if (mount.root == "/") break;
  }
  return found;
}

EntityId BehaviourProbe::subject(const BehaviourEvent& event) {
  if (event.unit.ends_with(".service")) return sink_->entity(EntityKind::service, event.unit);
  if (event.major != 0 || event.minor != 0) {
    const std::string mount_point = mount_point_of(event, mounts_);
    if (!mount_point.empty()) return sink_->entity(EntityKind::filesystem, mount_point);
  }
  return sink_->entity(EntityKind::host, "");
}

void BehaviourProbe::take(std::span<const std::byte> bytes) {
  const auto event = bpf::decode_behaviour_record(bytes);
  if (!event) return;
  const EntityId about = subject(*event);
  sink_->event({event->kind, about, std::min(event->at, now_), behaviour_attributes(*event)});
  // Given back at once: who else knows it keeps it.
  if (about != sink_->entity(EntityKind::host, "")) sink_->retire(about);
}

Status BehaviourProbe::drain(MonoTime now, Sink& sink) {
  now_ = now;
  sink_ = &sink;
  const int result = ring_buffer__consume(ring_.get());
  sink_ = nullptr;
  if (result < 0) return errno_error(-result, "ring buffer");
  return ok();
}

Status BehaviourProbe::sample_counts(Sink& sink) {
  if (!named_) {
    named_ = true;
    const EntityId self = sink.entity(EntityKind::agent, "probe.behaviour");
    for (std::uint32_t kind = 0; kind < seen_.size(); ++kind) {
      const std::string attributes = "event=" + std::string(*bpf::behaviour_name(kind));
      seen_[kind] = watched_[kind] ? sink.series(self, metric::kBpfSeen, attributes) : kNoSeries;
    }
    ring_dropped_ = sink.series(self, metric::kBpfDropped, "reason=ring_buffer");
    rate_dropped_ = sink.series(self, metric::kBpfDropped, "reason=rate");
  }
  const __u32 zero = 0;
  const int result = bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counts), &zero, per_cpu_.data());
  const auto sample = [&](SeriesId id, auto count) {
    std::uint64_t sum = 0;
    for (const hm_behaviour_counts& one : per_cpu_) sum += count(one);
    sink.sample(id, result == 0 ? std::optional(static_cast<double>(sum)) : std::nullopt);
  };
  for (std::size_t kind = 0; kind < seen_.size(); ++kind) {
    sample(seen_[kind], [&](const hm_behaviour_counts& one) { return one.seen[kind]; });
  }
  sample(ring_dropped_, [](const hm_behaviour_counts& one) { return one.ring_dropped; });
  sample(rate_dropped_, [](const hm_behaviour_counts& one) { return one.rate_dropped; });
  if (result != 0) return errno_error(-result, "counts of the BPF programs");
  return ok();
}

Result<std::unique_ptr<Probe>> BehaviourProbe::make(const ProbeContext& context) {
  if (auto allowed = bpf::begin(context); !allowed) return std::move(allowed).error();
  Skeleton skeleton(behaviour_bpf__open());
  if (!skeleton) return bpf::not_here("the programs cannot be opened", errno);
  auto watched = choose_programs(*skeleton);
  if (!watched) return std::move(watched).error();
  const bpf::OwnPlace place = bpf::own_place(context.roots);
  skeleton->rodata->root_cgroup_id = place.root_cgroup_id;
  skeleton->rodata->pid_namespace_inum = place.pid_namespace_inum;
  if (const int r = behaviour_bpf__load(skeleton.get()); r != 0) return bpf::load_error(r);
  auto probe = std::make_unique<BehaviourProbe>(std::move(skeleton), context.roots);
  behaviour_bpf& loaded = *probe->skeleton_;
  probe->ring_.reset(ring_buffer__new(bpf_map__fd(loaded.maps.records), handle, probe.get(), nullptr));
  if (!probe->ring_) return bpf::not_here("the ring buffer cannot be mapped", errno);
  if (const int r = behaviour_bpf__attach(&loaded); r != 0) {
    return bpf::not_here("the kernel refused to attach the programs", -r);
  }
  (*watched)[HM_FS_DAMAGE] = attach_raw(loaded.progs.on_ext4_error, "ext4_error", loaded.links.on_ext4_error);
  (*watched)[HM_FS_SHUTDOWN] =
      attach_raw(loaded.progs.on_xfs_shutdown, "xfs_force_shutdown", loaded.links.on_xfs_shutdown);
  probe->watched_ = *watched;
  return std::unique_ptr<Probe>(std::move(probe));
}

constexpr const MetricInfo* kMetrics[] = {&metric::kBpfSeen, &metric::kBpfDropped};

}  // namespace

extern const ProbeInfo behaviour_probe;
const ProbeInfo behaviour_probe{
    "behaviour",
    "Programs that gain rights, run from memory, trace others or load modules; errors of filesystems",
    std::chrono::seconds(1),
    "BTF, CAP_BPF and CAP_PERFMON",
    "0.2 us per program start, 0.1 us per signal (bpf_stats, 2-core VM, Linux 6.18)",
    kMetrics,
    BehaviourProbe::make};

}  // namespace hostmedic
