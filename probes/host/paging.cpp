// SPDX-License-Identifier: Apache-2.0
// Faults, swapping, reclaim, compaction and out-of-memory kills: what memory management did.
#include <memory>

#include "detect/model/names.h"
#include "probes/probe.h"
#include "probes/source/number_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(2);

constexpr std::string_view kKswapdScanned = "actor=kswapd,kind=scanned", kKswapdFreed = "actor=kswapd,kind=reclaimed",
                           kDirectScanned = "actor=direct,kind=scanned", kDirectFreed = "actor=direct,kind=reclaimed";
constexpr std::string_view kAllocationStall = "event=allocation_stall";
constexpr double kKib = 1024;

// The rows that others are computed from.
enum Row { kFaults, kMajorFaults };
// Older kernels counted some of these per zone, others in one: whichever is printed.
constexpr NumberRow kRows[] = {
    {"pgfault"},
    {"pgmajfault", &metric::kPagingFaults, "system.paging.type=major"},
    {"pswpin", &metric::kPagingOperations, "system.paging.direction=in"},
    {"pswpout", &metric::kPagingOperations, "system.paging.direction=out"},
    {"pgpgin", &metric::kPagedIo, "direction=in", kKib},
    {"pgpgout", &metric::kPagedIo, "direction=out", kKib},
    {"pgscan_kswapd", &metric::kReclaim, kKswapdScanned},
    {"pgscan_kswapd_dma", &metric::kReclaim, kKswapdScanned},
    {"pgscan_kswapd_dma32", &metric::kReclaim, kKswapdScanned},
    {"pgscan_kswapd_normal", &metric::kReclaim, kKswapdScanned},
    {"pgscan_kswapd_movable", &metric::kReclaim, kKswapdScanned},
    {"pgsteal_kswapd", &metric::kReclaim, kKswapdFreed},
    {"pgsteal_kswapd_dma", &metric::kReclaim, kKswapdFreed},
    {"pgsteal_kswapd_dma32", &metric::kReclaim, kKswapdFreed},
    {"pgsteal_kswapd_normal", &metric::kReclaim, kKswapdFreed},
    {"pgsteal_kswapd_movable", &metric::kReclaim, kKswapdFreed},
    {"pgscan_direct", &metric::kReclaim, kDirectScanned},
    {"pgscan_direct_dma", &metric::kReclaim, kDirectScanned},
    {"pgscan_direct_dma32", &metric::kReclaim, kDirectScanned},
    {"pgscan_direct_normal", &metric::kReclaim, kDirectScanned},
    {"pgscan_direct_movable", &metric::kReclaim, kDirectScanned},
    {"pgsteal_direct", &metric::kReclaim, kDirectFreed},
    {"pgsteal_direct_dma", &metric::kReclaim, kDirectFreed},
    {"pgsteal_direct_dma32", &metric::kReclaim, kDirectFreed},
    {"pgsteal_direct_normal", &metric::kReclaim, kDirectFreed},
    {"pgsteal_direct_movable", &metric::kReclaim, kDirectFreed},
    {"pgscan_khugepaged", &metric::kReclaim, "actor=khugepaged,kind=scanned"},
    {"pgsteal_khugepaged", &metric::kReclaim, "actor=khugepaged,kind=reclaimed"},
    {"pgscan_proactive", &metric::kReclaim, "actor=proactive,kind=scanned"},
    {"pgsteal_proactive", &metric::kReclaim, "actor=proactive,kind=reclaimed"},
    {"oom_kill", &metric::kMemoryEvents, "event=oom_kill"},
    {"allocstall", &metric::kMemoryEvents, kAllocationStall},
    {"allocstall_dma", &metric::kMemoryEvents, kAllocationStall},
    {"allocstall_dma32", &metric::kMemoryEvents, kAllocationStall},
    {"allocstall_normal", &metric::kMemoryEvents, kAllocationStall},
    {"allocstall_movable", &metric::kMemoryEvents, kAllocationStall},
    {"pgscan_direct_throttle", &metric::kMemoryEvents, "event=reclaim_throttled"},
    {"nr_throttled_written", &metric::kMemoryEvents, "event=written_while_throttled"},
    {"nr_vmscan_write", &metric::kMemoryEvents, "event=reclaim_write"},
    {"nr_dirtied", &metric::kMemoryEvents, "event=page_dirtied"},
    {"nr_written", &metric::kMemoryEvents, "event=page_written"},
    {"pgactivate", &metric::kMemoryEvents, "event=activate"},
    {"pgdeactivate", &metric::kMemoryEvents, "event=deactivate"},
    {"pgrefill", &metric::kMemoryEvents, "event=refill"},
    {"workingset_refault", &metric::kMemoryEvents, "event=refault_file"},
    {"workingset_refault_file", &metric::kMemoryEvents, "event=refault_file"},
    {"workingset_refault_anon", &metric::kMemoryEvents, "event=refault_anonymous"},
    {"workingset_activate", &metric::kMemoryEvents, "event=refault_activate_file"},
    {"workingset_activate_file", &metric::kMemoryEvents, "event=refault_activate_file"},
    {"workingset_activate_anon", &metric::kMemoryEvents, "event=refault_activate_anonymous"},
    {"pageoutrun", &metric::kMemoryEvents, "event=kswapd_run"},
    {"kswapd_low_wmark_hit_quickly", &metric::kMemoryEvents, "event=kswapd_low_watermark"},
    {"slabs_scanned", &metric::kMemoryEvents, "event=slab_scanned"},
    {"pginodesteal", &metric::kMemoryEvents, "event=inode_reclaimed"},
    {"kswapd_inodesteal", &metric::kMemoryEvents, "event=inode_reclaimed_kswapd"},
    {"drop_pagecache", &metric::kMemoryEvents, "event=drop_page_cache"},
    {"drop_slab", &metric::kMemoryEvents, "event=drop_slab"},
    {"compact_stall", &metric::kMemoryEvents, "event=compaction_stall"},
    {"compact_fail", &metric::kMemoryEvents, "event=compaction_failed"},
    {"compact_success", &metric::kMemoryEvents, "event=compaction_success"},
    {"compact_daemon_wake", &metric::kMemoryEvents, "event=compaction_daemon_wake"},
    {"pgmigrate_success", &metric::kMemoryEvents, "event=migrate"},
    {"pgmigrate_fail", &metric::kMemoryEvents, "event=migrate_failed"},
    {"thp_fault_alloc", &metric::kMemoryEvents, "event=huge_page_fault"},
    {"thp_fault_fallback", &metric::kMemoryEvents, "event=huge_page_fallback"},
    {"thp_collapse_alloc", &metric::kMemoryEvents, "event=huge_page_collapse"},
    {"thp_collapse_alloc_failed", &metric::kMemoryEvents, "event=huge_page_collapse_failed"},
    {"thp_split_page", &metric::kMemoryEvents, "event=huge_page_split"},
    {"thp_swpout", &metric::kMemoryEvents, "event=huge_page_swapped"},
    {"thp_swpout_fallback", &metric::kMemoryEvents, "event=huge_page_swap_fallback"},
    {"numa_hit", &metric::kMemoryEvents, "event=numa_hit"},
    {"numa_miss", &metric::kMemoryEvents, "event=numa_miss"},
    {"numa_foreign", &metric::kMemoryEvents, "event=numa_foreign"},
    {"numa_hint_faults", &metric::kMemoryEvents, "event=numa_hint_fault"},
    {"numa_pages_migrated", &metric::kMemoryEvents, "event=numa_migrated"},
    {"balloon_inflate", &metric::kMemoryEvents, "event=balloon_inflate"},
    {"balloon_deflate", &metric::kMemoryEvents, "event=balloon_deflate"},
    {"swap_ra", &metric::kMemoryEvents, "event=swap_read_ahead"},
    {"swap_ra_hit", &metric::kMemoryEvents, "event=swap_read_ahead_hit"},
    {"zswpin", &metric::kMemoryEvents, "event=zswap_in"},
    {"zswpout", &metric::kMemoryEvents, "event=zswap_out"},
    {"zswpwb", &metric::kMemoryEvents, "event=zswap_written_back"},
};

class PagingProbe final : public Probe {
 public:
  explicit PagingProbe(int proc)
      : vmstat_(NumberFile::of<KeyedLines>({proc, "vmstat", KeptFile::Shape::pieces}, kRows)) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) {
      minor_ = sink.series(sink.entity(EntityKind::host, ""), metric::kPagingFaults, "system.paging.type=minor");
      defined_ = true;
    }
    auto status = vmstat_.read(sink);
    const auto faults = vmstat_.value(kFaults), major = vmstat_.value(kMajorFaults);
    // The kernel counts the major faults among all of them.
    sink.sample(minor_, faults && major ? std::optional(*faults - *major) : std::nullopt);
    return status;
  }
  Duration interval() const override { return kInterval; }

 private:
  NumberFile vmstat_;
  bool defined_ = false;
  SeriesId minor_{};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kPagingFaults, &metric::kPagingOperations, &metric::kPagedIo,
                                          &metric::kReclaim, &metric::kMemoryEvents};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<PagingProbe>(context.roots.proc.get()));
}

}  // namespace

extern const ProbeInfo paging_probe;
const ProbeInfo paging_probe{"paging",
                             "faults, swapping, reclaim, compaction, out-of-memory kills",
                             kInterval,
                             "",
                             "73 us per read on a 2-core VM, Linux 6.18",
                             kMetrics,
                             make};

}  // namespace hostmedic
