// SPDX-License-Identifier: Apache-2.0
// How long requests to disks take and how they fail, from block.bpf.c: per disk, and per unit for the busiest few.
// Where BPF or BTF is missing make() says so; averages per disk come from the disk probe all the same.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "agent/base/text.h"
#include "block.skel.h"
#include "detect/model/names.h"
#include "probes/bpf/followed_few.h"
#include "probes/bpf/latency.h"
#include "probes/bpf/load.h"
#include "probes/bpf/map_rows.h"
#include "probes/bpf/record/block.h"
#include "probes/bpf/text.h"
#include "probes/probe.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(2);
constexpr std::size_t kMostUnits = 16;
constexpr Duration kUnitIdle = std::chrono::minutes(10);
constexpr int kReadsPerLook = 30;  // between two looks at which disks are gone

constexpr std::array<const char*, HM_BLOCK_OPERATIONS> kOperations = {"read", "write", "flush"};
constexpr std::array<const char*, HM_BLOCK_ERRORS> kErrors = {"io",       "timeout",   "medium",
                                                              "no_space", "transport", "other"};

using Skeleton = bpf::Handle<block_bpf, block_bpf__destroy>;

// A gauge that has a value only while there is something to measure.
struct Percentiles {
  SeriesId p50 = kNoSeries, p99 = kNoSeries;
  bool told = false;

  void sample(const bpf::Latencies& latencies, Sink& sink) {
    const auto median = latencies.quantile(0.5);
    if (!median && !told) return;
    sink.sample(p50, median);
    sink.sample(p99, latencies.quantile(0.99));
    told = median.has_value();
  }
};

struct Disk {
  struct Operation {
    Percentiles latency;
    SeriesId requests = kNoSeries;
    std::uint64_t count = 0;
  };
  EntityId entity = kNoEntity;
  std::array<Operation, HM_BLOCK_OPERATIONS> operations;
  std::array<SeriesId, HM_BLOCK_ERRORS> errors{};
};
struct Unit {
  EntityId entity = kNoEntity;
  SeriesId operations = kNoSeries;
  Percentiles latency;
  std::uint64_t count = 0;
  bpf::Latencies interval;
};

class BlockProbe final : public Probe {
 public:
  static Result<std::unique_ptr<Probe>> make(const ProbeContext& context);
  BlockProbe(Skeleton skeleton, int sys)
      : skeleton_(std::move(skeleton)),
        sys_(sys),
        disk_rows_(bpf_map__fd(skeleton_->maps.disks), bpf_map__max_entries(skeleton_->maps.disks)),
        group_rows_(bpf_map__fd(skeleton_->maps.groups), bpf_map__max_entries(skeleton_->maps.groups)),
        per_cpu_(bpf::cpus()) {}

  Status read(MonoTime now, Sink& sink) override {
    const auto disks = read_disks(sink);
    const auto units = read_units(now, sink);
    const auto counts = read_counts(sink);
    if (++reads_ % kReadsPerLook == 0) forget_gone(sink);
    return !disks ? disks : !units ? units : counts;
  }
  Duration interval() const override { return kInterval; }

 private:
  Status read_disks(Sink& sink);
  Status read_units(MonoTime now, Sink& sink);
  Status read_counts(Sink& sink);
  void forget_gone(Sink& sink);
  static Disk define(const char* name, Sink& sink);
  static void define(Unit& unit, std::string_view name, Sink& sink);

  Skeleton skeleton_;
  int sys_;
  bpf::MapRows<__u32, hm_block_disk> disk_rows_;
  bpf::MapRows<__u64, hm_block_group> group_rows_;
  std::map<__u32, Disk> disks_;
  bpf::FollowedFew<Unit> units_{kMostUnits, kUnitIdle};
  std::vector<hm_block_counts> per_cpu_;
  SeriesId seen_ = kNoSeries, no_room_ = kNoSeries, untimed_ = kNoSeries;
  bool named_ = false;
  int reads_ = 0;
};

Disk BlockProbe::define(const char* name, Sink& sink) {
  Disk disk;
  disk.entity = sink.entity(EntityKind::block_device, printable(name, sizeof(hm_block_disk::name)));
  for (std::size_t i = 0; i < kOperations.size(); ++i) {
    const std::string direction = std::string("disk.io.direction=") + kOperations[i];
    Disk::Operation& operation = disk.operations[i];
    operation.latency.p50 = sink.series(disk.entity, metric::kDiskLatencyP50, direction);
    operation.latency.p99 = sink.series(disk.entity, metric::kDiskLatencyP99, direction);
    operation.requests = sink.series(disk.entity, metric::kDiskRequests, direction);
  }
  for (std::size_t i = 0; i < kErrors.size(); ++i)
    disk.errors[i] = sink.series(disk.entity, metric::kDiskErrors, std::string("error.type=") + kErrors[i]);
  return disk;
}

Status BlockProbe::read_disks(Sink& sink) {
  auto status = disk_rows_.read();
  if (!status) {
    for (auto& [key, disk] : disks_) {
      for (Disk::Operation& one : disk.operations) {
        one.latency.sample({}, sink);
        sink.sample(one.requests, std::nullopt);
      }
      for (const SeriesId id : disk.errors) sink.sample(id, std::nullopt);
    }
    return status;
  }
  disk_rows_.each([&](const __u32& key, const hm_block_disk& row, const hm_block_disk* before) {
    if (bpf::text_of(row.name).empty()) return;  // being made
    auto found = disks_.find(key);
    if (found == disks_.end())
      found = disks_.emplace(key, define(std::string(bpf::text_of(row.name)).c_str(), sink)).first;
    Disk& disk = found->second;
    for (std::size_t i = 0; i < disk.operations.size(); ++i) {
      Disk::Operation& operation = disk.operations[i];
      bpf::Latencies interval;
      interval.add(row.latency[i], before != nullptr ? &before->latency[i] : nullptr);
      operation.latency.sample(interval, sink);
      operation.count += interval.count();
      sink.sample(operation.requests, static_cast<double>(operation.count));
    }
    for (std::size_t i = 0; i < disk.errors.size(); ++i) sink.sample(disk.errors[i], row.errors[i]);
  });
  return ok();
}

void BlockProbe::forget_gone(Sink& sink) {
  std::erase_if(disks_, [&](const auto& entry) {
    const __u32 key = entry.first;
    if (::faccessat(sys_, strf("dev/block/%u:%u", key >> 20, key & 0xfffff).c_str(), F_OK, 0) == 0) return false;
    (void)bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.disks), &key);  // else it stays and is forgotten next time
    sink.retire(entry.second.entity);
    return true;
  });
}

void BlockProbe::define(Unit& unit, std::string_view name, Sink& sink) {
  unit.entity = sink.entity(EntityKind::service, name);
  unit.operations = sink.series(unit.entity, metric::kServiceDiskOperations);
  unit.latency.p50 = sink.series(unit.entity, metric::kDiskLatencyP50);
  unit.latency.p99 = sink.series(unit.entity, metric::kDiskLatencyP99);
}

Status BlockProbe::read_units(MonoTime now, Sink& sink) {
  auto status = group_rows_.read();
  struct Busy {
    std::string_view unit;
    bpf::Latencies interval;
    std::uint64_t count = 0;
  };
  std::vector<Busy> others;  // empty but when a unit starts to do I/O
  group_rows_.each([&](const __u64&, const hm_block_group& row, const hm_block_group* before) {
    const std::string_view name = bpf::text_of(row.unit);
    if (!name.ends_with(".service") || !bpf::is_unit(name)) return;
    if (before != nullptr && before->made_ns != row.made_ns) before = nullptr;  // the row was given away and made anew
    if (before != nullptr && before->latency.total_ns == row.latency.total_ns) return;
    const hm_latency* old = before != nullptr ? &before->latency : nullptr;
    if (Unit* unit = units_.find(name, now)) return unit->interval.add(row.latency, old);
    auto other = std::ranges::find(others, name, &Busy::unit);
    if (other == others.end()) other = others.insert(others.end(), {name, {}, 0});
    other->interval.add(row.latency, old);
    other->count = other->interval.count();
  });
  std::ranges::sort(others, std::ranges::greater{}, &Busy::count);
  for (const Busy& busy : others) {
    Unit* unit = units_.follow(busy.unit, now);
    if (unit == nullptr) break;
    define(*unit, busy.unit, sink);
    unit->interval = busy.interval;
  }
  units_.each([&](Unit& unit) {
    unit.count += unit.interval.count();
    sink.sample(unit.operations, status ? std::optional(static_cast<double>(unit.count)) : std::nullopt);
    unit.latency.sample(unit.interval, sink);
    unit.interval = {};
  });
  units_.expire(now, [&](const Unit& unit) { sink.retire(unit.entity); });
  return status;
}

Status BlockProbe::read_counts(Sink& sink) {
  if (!named_) {
    const EntityId self = sink.entity(EntityKind::agent, "probe.block");
    seen_ = sink.series(self, metric::kBpfSeen, "event=block");
    no_room_ = sink.series(self, metric::kBpfDropped, "reason=no_room");
    untimed_ = sink.series(self, metric::kBpfDropped, "reason=untimed");
    named_ = true;
  }
  const auto sum = bpf::sum_per_cpu(bpf_map__fd(skeleton_->maps.counts), std::span(per_cpu_));
  const auto sample = [&](SeriesId id, __u64 hm_block_counts::* field) {
    sink.sample(id, sum ? std::optional(static_cast<double>((*sum).*field)) : std::nullopt);
  };
  sample(seen_, &hm_block_counts::seen);
  sample(no_room_, &hm_block_counts::no_room);
  sample(untimed_, &hm_block_counts::untimed);
  return sum ? ok() : Status(sum.error());
}

Result<std::unique_ptr<Probe>> BlockProbe::make(const ProbeContext& context) {
  if (auto allowed = bpf::begin(context); !allowed) return std::move(allowed).error();
  Skeleton skeleton(block_bpf__open());
  if (!skeleton) return bpf::not_here("the programs cannot be opened", errno);
  {
    const auto types = bpf::KernelTypes::load();
    if (!types) return types.error();
    const auto complete = types->tracepoint_arguments("block_rq_complete");
    if (!complete || !complete->starts_with("pvv"))
      return bpf::not_here("the kernel does not tell of finished requests in a way that is known", 0);
  }
  const bpf::OwnPlace place = bpf::own_place(context.roots);
  skeleton->rodata->root_cgroup_id = place.root_cgroup_id;
  skeleton->rodata->pid_namespace_inum = place.pid_namespace_inum;
  if (const int r = block_bpf__load(skeleton.get()); r != 0) return bpf::load_error(r);
  if (const int r = block_bpf__attach(skeleton.get()); r != 0)
    return bpf::not_here("the kernel refused to attach the programs", -r);
  return std::unique_ptr<Probe>(std::make_unique<BlockProbe>(std::move(skeleton), context.roots.sys.get()));
}

constexpr const MetricInfo* kMetrics[] = {
    &metric::kDiskLatencyP50,        &metric::kDiskLatencyP99, &metric::kDiskRequests, &metric::kDiskErrors,
    &metric::kServiceDiskOperations, &metric::kBpfSeen,        &metric::kBpfDropped};

}  // namespace

extern const ProbeInfo block_probe;
const ProbeInfo block_probe{
    "block",
    "Latency and errors of requests to disks, by disk and by unit, from an eBPF program",
    kInterval,
    "BTF, CAP_BPF and CAP_PERFMON",
    "0.7 us per request, 80 us per read, 124 KiB of maps (bpf_stats, busy 2-core VM, Linux 6.18)",
    kMetrics,
    BlockProbe::make};

}  // namespace hostmedic
