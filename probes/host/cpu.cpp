// SPDX-License-Identifier: Apache-2.0
// CPU time by mode, the busiest CPU, interrupts, processes and context switches of the host, from one file.
#include <algorithm>
#include <array>
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/proc_stat.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);

using Value = std::optional<double>;
Value average(const ProcStat& stat, Value seconds) {
  if (seconds) seconds = *seconds / static_cast<double>(stat.cpus.size());
  return seconds;
}
Value number(std::optional<std::uint64_t> count) {
  if (!count) return std::nullopt;
  return static_cast<double>(*count);
}

struct Item {
  const MetricInfo* metric;
  std::string_view attributes;
  Value (*value)(const ProcStat& stat);
};
constexpr Item kItems[] = {
    {&metric::kCpuTime, "cpu.mode=user", [](const ProcStat& s) { return average(s, s.user_s); }},
    {&metric::kCpuTime, "cpu.mode=nice", [](const ProcStat& s) { return average(s, s.nice_s); }},
    {&metric::kCpuTime, "cpu.mode=system", [](const ProcStat& s) { return average(s, s.system_s); }},
    {&metric::kCpuTime, "cpu.mode=idle", [](const ProcStat& s) { return average(s, s.idle_s); }},
    {&metric::kCpuTime, "cpu.mode=iowait", [](const ProcStat& s) { return average(s, s.iowait_s); }},
    {&metric::kCpuTime, "cpu.mode=interrupt",
     [](const ProcStat& s) { return s.irq_s && s.softirq_s ? average(s, *s.irq_s + *s.softirq_s) : std::nullopt; }},
    {&metric::kCpuTime, "cpu.mode=steal", [](const ProcStat& s) { return average(s, s.steal_s); }},
    {&metric::kCpuCount, "", [](const ProcStat& s) { return Value(static_cast<double>(s.cpus.size())); }},
    {&metric::kProcessesRunning, "process.state=running",
     [](const ProcStat& s) { return number(s.processes_running); }},
    {&metric::kProcessesRunning, "process.state=blocked",
     [](const ProcStat& s) { return number(s.processes_blocked); }},
    {&metric::kProcessesCreated, "", [](const ProcStat& s) { return number(s.processes_created); }},
    {&metric::kContextSwitches, "", [](const ProcStat& s) { return number(s.context_switches); }},
    {&metric::kInterrupts, "", [](const ProcStat& s) { return number(s.interrupts); }},
    {&metric::kBootTime, "", [](const ProcStat& s) { return number(s.boot_time_s); }},
};

// How the CPUs shared the work between two readings.
struct Shares {
  Value busiest, most_interrupted, imbalance;
};
Shares shares_between(const std::vector<CpuTicks>& before, const std::vector<CpuTicks>& now) {
  double busiest = 0, interrupted = 0, sum = 0;
  unsigned known = 0;
  for (std::size_t i = 0; i < std::min(before.size(), now.size()); ++i) {
    const CpuTicks &a = before[i], &b = now[i];
    // A CPU went or came; or nothing passed. Idle time may step back a little, so a difference below zero is none.
    if (a.number != b.number || b.total <= a.total) continue;
    const double total = static_cast<double>(b.total - a.total);
    const double unused = b.unused > a.unused ? static_cast<double>(b.unused - a.unused) : 0;
    const double interrupt = b.interrupt > a.interrupt ? static_cast<double>(b.interrupt - a.interrupt) : 0;
    const double busy = std::max(0.0, 1 - unused / total);
    busiest = std::max(busiest, busy);
    interrupted = std::max(interrupted, std::min(1.0, interrupt / total));
    sum += busy;
    ++known;
  }
  if (known == 0) return {};
  return {busiest, interrupted, busiest - sum / known};
}

class CpuProbe final : public Probe {
 public:
  explicit CpuProbe(const Roots& roots) : file_(roots.proc.get(), "stat", KeptFile::Shape::whole) {
    softirqs_.fill(kNoSeries);
  }

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) define(sink);
    const auto text = file_.read();
    if (!text) return fail(sink, text.error());
    if (auto parsed = parse_proc_stat(*text, stat_); !parsed) return fail(sink, parsed.error());
    for (std::size_t i = 0; i < std::size(kItems); ++i) sink.sample(series_[i], kItems[i].value(stat_));
    emit_softirqs(sink);
    if (!before_.empty()) emit_shares(shares_between(before_, stat_.cpus), sink);
    before_.swap(stat_.cpus);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  void define(Sink& sink) {
    host_ = sink.entity(EntityKind::host, "");
    for (std::size_t i = 0; i < std::size(kItems); ++i)
      series_[i] = sink.series(host_, *kItems[i].metric, kItems[i].attributes);
    defined_ = true;
  }
  void emit_softirqs(Sink& sink) {
    for (std::size_t i = 0; i < kSoftIrqTypes; ++i) {
      if (stat_.softirqs[i] && softirqs_[i] == kNoSeries)
        softirqs_[i] = sink.series(host_, metric::kSoftInterrupts, "type=" + std::string(kSoftIrqNames[i]));
      sink.sample(softirqs_[i], number(stat_.softirqs[i]));
    }
  }
  void emit_shares(const Shares& shares, Sink& sink) {
    if (busiest_ == kNoSeries) {
      busiest_ = sink.series(host_, metric::kCpuBusiest, "cpu.mode=busy");
      interrupted_ = sink.series(host_, metric::kCpuBusiest, "cpu.mode=interrupt");
      imbalance_ = sink.series(host_, metric::kCpuImbalance);
    }
    sink.sample(busiest_, shares.busiest);
    sink.sample(interrupted_, shares.most_interrupted);
    sink.sample(imbalance_, shares.imbalance);
  }
  Error fail(Sink& sink, const Error& error) {
    for (const SeriesId series : series_) sink.sample(series, std::nullopt);
    for (const SeriesId series : softirqs_) sink.sample(series, std::nullopt);
    for (const SeriesId series : {busiest_, interrupted_, imbalance_}) sink.sample(series, std::nullopt);
    before_.clear();
    return Error(error).in("stat");
  }

  KeptFile file_;
  ProcStat stat_;
  std::vector<CpuTicks> before_;  // of the last good reading
  bool defined_ = false;
  EntityId host_{};
  std::array<SeriesId, std::size(kItems)> series_{};
  std::array<SeriesId, kSoftIrqTypes> softirqs_{};
  SeriesId busiest_ = kNoSeries, interrupted_ = kNoSeries, imbalance_ = kNoSeries;
};

constexpr const MetricInfo* kMetrics[] = {
    &metric::kCpuTime,         &metric::kCpuCount,   &metric::kProcessesRunning, &metric::kProcessesCreated,
    &metric::kContextSwitches, &metric::kInterrupts, &metric::kSoftInterrupts,   &metric::kCpuBusiest,
    &metric::kCpuImbalance,    &metric::kBootTime};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<CpuProbe>(context.roots));
}

}  // namespace

extern const ProbeInfo cpu_probe;
const ProbeInfo cpu_probe{"cpu",
                          "CPU time by mode, the busiest CPU, interrupts, processes, context switches",
                          kInterval,
                          "",
                          "47 us per read on a 2-core VM, Linux 6.18",
                          kMetrics,
                          make,
                          ProbePriority::vital};

}  // namespace hostmedic
