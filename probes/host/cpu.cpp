// SPDX-License-Identifier: Apache-2.0
// CPU time by mode, processes and context switches of the host, from one file.
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/proc_stat.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);

class CpuProbe final : public Probe {
 public:
  explicit CpuProbe(const Roots& roots) : stat_(roots.proc.get(), "stat", KeptFile::Shape::whole) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) define(sink);
    const auto text = stat_.read();
    if (!text) return fail(sink, text.error());
    const auto stat = parse_proc_stat(*text);
    if (!stat) return fail(sink, stat.error());
    const double cpus = stat->cpus;
    const auto average = [&](SeriesId series, std::optional<double> seconds) {
      if (seconds) seconds = *seconds / cpus;
      sink.sample(series, seconds);
    };
    average(user_, stat->user_s);
    average(nice_, stat->nice_s);
    average(system_, stat->system_s);
    average(idle_, stat->idle_s);
    average(iowait_, stat->iowait_s);
    std::optional<double> interrupt_s;
    if (stat->irq_s && stat->softirq_s) interrupt_s = *stat->irq_s + *stat->softirq_s;
    average(interrupt_, interrupt_s);
    average(steal_, stat->steal_s);
    sink.sample(count_, cpus);
    const auto counted = [&](SeriesId series, std::optional<std::uint64_t> value) {
      sink.sample(series, value ? std::optional<double>(static_cast<double>(*value)) : std::nullopt);
    };
    counted(running_, stat->processes_running);
    counted(blocked_, stat->processes_blocked);
    counted(created_, stat->processes_created);
    counted(switches_, stat->context_switches);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  void define(Sink& sink) {
    const EntityId host = sink.entity(EntityKind::host, "");
    user_ = sink.series(host, metric::kCpuTime, "cpu.mode=user");
    nice_ = sink.series(host, metric::kCpuTime, "cpu.mode=nice");
    system_ = sink.series(host, metric::kCpuTime, "cpu.mode=system");
    idle_ = sink.series(host, metric::kCpuTime, "cpu.mode=idle");
    iowait_ = sink.series(host, metric::kCpuTime, "cpu.mode=iowait");
    interrupt_ = sink.series(host, metric::kCpuTime, "cpu.mode=interrupt");
    steal_ = sink.series(host, metric::kCpuTime, "cpu.mode=steal");
    count_ = sink.series(host, metric::kCpuCount);
    running_ = sink.series(host, metric::kProcessesRunning, "process.state=running");
    blocked_ = sink.series(host, metric::kProcessesRunning, "process.state=blocked");
    created_ = sink.series(host, metric::kProcessesCreated);
    switches_ = sink.series(host, metric::kContextSwitches);
    defined_ = true;
  }
  Error fail(Sink& sink, const Error& error) {
    for (const SeriesId series :
         {user_, nice_, system_, idle_, iowait_, interrupt_, steal_, count_, running_, blocked_, created_, switches_})
      sink.sample(series, std::nullopt);
    return Error(error).in("stat");
  }

  KeptFile stat_;
  bool defined_ = false;
  SeriesId user_{}, nice_{}, system_{}, idle_{}, iowait_{}, interrupt_{}, steal_{};
  SeriesId count_{}, running_{}, blocked_{}, created_{}, switches_{};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kCpuTime, &metric::kCpuCount, &metric::kProcessesRunning,
                                          &metric::kProcessesCreated, &metric::kContextSwitches};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<CpuProbe>(context.roots));
}

}  // namespace

extern const ProbeInfo cpu_probe;
const ProbeInfo cpu_probe{"cpu", "CPU time by mode, processes, context switches", kInterval,
                          "",    "41 us per read on a 2-core VM, Linux 6.18",     kMetrics,
                          make};

}  // namespace hostmedic
