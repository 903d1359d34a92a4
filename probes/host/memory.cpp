// SPDX-License-Identifier: Apache-2.0
// Memory and swap of the host.
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/meminfo.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);

class MemoryProbe final : public Probe {
 public:
  explicit MemoryProbe(const Roots& roots) : meminfo_(roots.proc.get(), "meminfo", KeptFile::Shape::whole) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) define(sink);
    const auto text = meminfo_.read();
    if (!text) return fail(sink, text.error());
    const auto info = parse_meminfo(*text);
    if (!info) return fail(sink, info.error());
    const double total = static_cast<double>(info->total_bytes);
    const auto available = number(info->available_bytes);
    sink.sample(limit_, total);
    sink.sample(available_, available);
    sink.sample(used_, available ? std::optional(total - *available) : std::nullopt);
    sink.sample(utilization_, available && total > 0 ? std::optional(1 - *available / total) : std::nullopt);
    sink.sample(free_, number(info->free_bytes));
    sink.sample(cached_, number(info->cached_bytes));
    sink.sample(buffers_, number(info->buffers_bytes));
    sink.sample(slab_, number(info->slab_bytes));
    sink.sample(dirty_, number(info->dirty_bytes));
    swap(*info, sink);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  static std::optional<double> number(std::optional<std::uint64_t> value) {
    if (!value) return std::nullopt;
    return static_cast<double>(*value);
  }
  void define(Sink& sink) {
    host_ = sink.entity(EntityKind::host, "");
    limit_ = sink.series(host_, metric::kMemoryLimit);
    available_ = sink.series(host_, metric::kMemoryAvailable);
    utilization_ = sink.series(host_, metric::kMemoryUtilization);
    used_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=used");
    free_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=free");
    cached_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=cached");
    buffers_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=buffers");
    slab_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=slab");
    dirty_ = sink.series(host_, metric::kMemoryUsage, "system.memory.state=dirty");
    defined_ = true;
  }
  // A host without swap has no such series; one that had swap and lost it has an unknown one.
  void swap(const MemInfo& info, Sink& sink) {
    const auto total = number(info.swap_total_bytes), unused = number(info.swap_free_bytes);
    const bool has_swap = total && unused && *total > 0;
    if (has_swap && swap_utilization_ == kNoSeries) swap_utilization_ = sink.series(host_, metric::kSwapUtilization);
    sink.sample(swap_utilization_, has_swap ? std::optional(1 - *unused / *total) : std::nullopt);
  }
  Error fail(Sink& sink, const Error& error) {
    for (const SeriesId series :
         {limit_, available_, utilization_, used_, free_, cached_, buffers_, slab_, dirty_, swap_utilization_})
      sink.sample(series, std::nullopt);
    return Error(error).in("meminfo");
  }

  KeptFile meminfo_;
  bool defined_ = false;
  EntityId host_{};
  SeriesId limit_{}, available_{}, utilization_{}, used_{}, free_{}, cached_{}, buffers_{}, slab_{}, dirty_{};
  SeriesId swap_utilization_ = kNoSeries;
};

constexpr const MetricInfo* kMetrics[] = {&metric::kMemoryUsage, &metric::kMemoryAvailable, &metric::kMemoryLimit,
                                          &metric::kMemoryUtilization, &metric::kSwapUtilization};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<MemoryProbe>(context.roots));
}

}  // namespace

extern const ProbeInfo memory_probe;
const ProbeInfo memory_probe{
    "memory", "memory and swap", kInterval, "", "38 us per read on a 2-core VM, Linux 6.18", kMetrics, make};

}  // namespace hostmedic
