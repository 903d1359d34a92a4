// SPDX-License-Identifier: Apache-2.0
// Memory and swap of the host.
#include <memory>

#include "detect/model/names.h"
#include "probes/probe.h"
#include "probes/source/number_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr double kKib = 1024;  // the kernel says "kB" and means 1024

// The rows that others are computed from.
enum Row { kTotal, kAvailable, kSwapTotal, kSwapFree };
constexpr NumberRow kRows[] = {
    {"MemTotal:", &metric::kMemoryLimit, "", kKib},
    {"MemAvailable:", &metric::kMemoryAvailable, "", kKib},
    {"SwapTotal:"},
    {"SwapFree:"},
    {"MemFree:", &metric::kMemoryUsage, "system.memory.state=free", kKib},
    {"Cached:", &metric::kMemoryUsage, "system.memory.state=cached", kKib},
    {"Buffers:", &metric::kMemoryUsage, "system.memory.state=buffers", kKib},
    {"Slab:", &metric::kMemoryUsage, "system.memory.state=slab", kKib},
    {"Dirty:", &metric::kMemoryUsage, "system.memory.state=dirty", kKib},
    {"SReclaimable:", &metric::kMemorySlab, "system.memory.linux.slab.state=reclaimable", kKib},
    {"SUnreclaim:", &metric::kMemorySlab, "system.memory.linux.slab.state=unreclaimable", kKib},
    {"AnonPages:", &metric::kMemoryKind, "kind=anonymous", kKib},
    {"Shmem:", &metric::kMemoryKind, "kind=shared", kKib},
    {"Mapped:", &metric::kMemoryKind, "kind=mapped", kKib},
    {"Writeback:", &metric::kMemoryKind, "kind=writeback", kKib},
    {"WritebackTmp:", &metric::kMemoryKind, "kind=writeback_temporary", kKib},
    {"Active(anon):", &metric::kMemoryKind, "kind=active_anonymous", kKib},
    {"Inactive(anon):", &metric::kMemoryKind, "kind=inactive_anonymous", kKib},
    {"Active(file):", &metric::kMemoryKind, "kind=active_file", kKib},
    {"Inactive(file):", &metric::kMemoryKind, "kind=inactive_file", kKib},
    {"Unevictable:", &metric::kMemoryKind, "kind=unevictable", kKib},
    {"Mlocked:", &metric::kMemoryKind, "kind=locked", kKib},
    {"KReclaimable:", &metric::kMemoryKind, "kind=kernel_reclaimable", kKib},
    {"KernelStack:", &metric::kMemoryKind, "kind=kernel_stack", kKib},
    {"PageTables:", &metric::kMemoryKind, "kind=page_tables", kKib},
    {"SecPageTables:", &metric::kMemoryKind, "kind=secondary_page_tables", kKib},
    {"VmallocUsed:", &metric::kMemoryKind, "kind=vmalloc", kKib},
    {"Percpu:", &metric::kMemoryKind, "kind=per_cpu", kKib},
    {"Bounce:", &metric::kMemoryKind, "kind=bounce", kKib},
    {"HardwareCorrupted:", &metric::kMemoryKind, "kind=hardware_corrupted", kKib},
    {"AnonHugePages:", &metric::kMemoryKind, "kind=anonymous_huge", kKib},
    {"ShmemHugePages:", &metric::kMemoryKind, "kind=shared_huge", kKib},
    {"FileHugePages:", &metric::kMemoryKind, "kind=file_huge", kKib},
    {"Hugetlb:", &metric::kMemoryKind, "kind=hugetlb", kKib},
    {"Balloon:", &metric::kMemoryKind, "kind=balloon", kKib},
    {"SwapCached:", &metric::kMemoryKind, "kind=swap_cached", kKib},
    {"Zswap:", &metric::kMemoryKind, "kind=zswap", kKib},
    {"Zswapped:", &metric::kMemoryKind, "kind=zswapped", kKib},
    {"Committed_AS:", &metric::kMemoryKind, "kind=committed", kKib},
    {"CommitLimit:", &metric::kMemoryKind, "kind=commit_limit", kKib},
    {"HugePages_Total:", &metric::kHugePages, "state=total"},
    {"HugePages_Free:", &metric::kHugePages, "state=free"},
    {"HugePages_Rsvd:", &metric::kHugePages, "state=reserved"},
    {"HugePages_Surp:", &metric::kHugePages, "state=surplus"},
};

class MemoryProbe final : public Probe {
 public:
  explicit MemoryProbe(int proc)
      : meminfo_(NumberFile::of<KeyedLines>({proc, "meminfo", KeptFile::Shape::whole}, kRows)) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) {
      host_ = sink.entity(EntityKind::host, "");
      used_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=used");
      utilization_ = sink.series(host_, metric::kMemoryUtilization);
      defined_ = true;
    }
    auto status = meminfo_.read(sink);
    const auto total = meminfo_.value(kTotal), available = meminfo_.value(kAvailable);
    std::optional<double> used, utilization;
    if (total && available && *total > 0) {
      used = (*total - *available) * kKib;
      utilization = 1 - *available / *total;
    }
    sink.sample(used_, used);
    sink.sample(utilization_, utilization);
    swap(sink);
    if (status && !total) return make_error(ErrorCode::malformed, "meminfo: no MemTotal");
    return status;
  }
  Duration interval() const override { return kInterval; }

 private:
  // A host without swap has no such series; one that had swap and lost it has unknown ones.
  void swap(Sink& sink) {
    const auto total = meminfo_.value(kSwapTotal), unused = meminfo_.value(kSwapFree);
    const bool has_swap = total && unused && *total > 0;
    if (has_swap && swap_utilization_ == kNoSeries) {
      swap_utilization_ = sink.series(host_, metric::kSwapUtilization);
      swap_used_ = sink.series(host_, metric::kSwapUsage, "system.paging.state=used");
      swap_free_ = sink.series(host_, metric::kSwapUsage, "system.paging.state=free");
    }
    sink.sample(swap_utilization_, has_swap ? std::optional(1 - *unused / *total) : std::nullopt);
    sink.sample(swap_used_, has_swap ? std::optional((*total - *unused) * kKib) : std::nullopt);
    sink.sample(swap_free_, has_swap ? std::optional(*unused * kKib) : std::nullopt);
  }

  NumberFile meminfo_;
  bool defined_ = false;
  EntityId host_{};
  SeriesId used_{}, utilization_{};
  SeriesId swap_utilization_ = kNoSeries, swap_used_ = kNoSeries, swap_free_ = kNoSeries;
};

constexpr const MetricInfo* kMetrics[] = {
    &metric::kMemoryUsage,       &metric::kMemoryAvailable, &metric::kMemoryLimit,
    &metric::kMemoryUtilization, &metric::kSwapUtilization, &metric::kSwapUsage,
    &metric::kMemorySlab,        &metric::kMemoryKind,      &metric::kHugePages,
};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<MemoryProbe>(context.roots.proc.get()));
}

}  // namespace

extern const ProbeInfo memory_probe;
const ProbeInfo memory_probe{
    "memory", "memory and swap",   kInterval, "", "46 us per read on a 2-core VM, Linux 6.18", kMetrics,
    make,     ProbePriority::vital};

}  // namespace hostmedic
