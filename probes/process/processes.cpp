// SPDX-License-Identifier: Apache-2.0
// What processes use, by unit, by container and by executable, and how many of them are in which state.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "agent/base/fd.h"
#include "detect/model/names.h"
#include "probes/bpf/sweep_source.h"
#include "probes/parse/container_cgroup.h"
#include "probes/parse/process_unit.h"
#include "probes/probe.h"
#include "probes/process/ledger.h"
#include "probes/process/proc_source.h"

namespace hostmedic {
namespace {

using namespace process;

constexpr Duration kInterval = std::chrono::seconds(1);
// What changes slowly, or is looked at when something else is wrong, is told with every fifth sweep; the groups take
// turns, so that each sweep costs the same. What a leak shows by is told of units with each sweep: there it matters.
constexpr std::uint64_t kSlow = 5;
enum class Pace : std::uint8_t { fast, fast_of_units, slow };

struct Row {
  const MetricInfo* metric;
  std::string_view attributes;
  std::uint32_t bit;  // of the counter or gauge; 0: the number of members
  double (*value)(const Sums& sums);
  Pace pace;
};
template <auto which>
double plain(const Sums& sums) {
  return static_cast<double>(sums[which]);
}
template <Counter which>
double seconds(const Sums& sums) {
  return static_cast<double>(sums[which]) * 1e-9;
}
constexpr Row kRows[] = {
    {&metric::kProcessCpuTime, "cpu.mode=system", bit(Counter::system_time), seconds<Counter::system_time>, Pace::fast},
    {&metric::kProcessCpuTime, "cpu.mode=user", bit(Counter::user_time), seconds<Counter::user_time>, Pace::fast},
    {&metric::kProcessRunDelay, "", bit(Counter::run_delay), seconds<Counter::run_delay>, Pace::fast},
    {&metric::kProcessMemoryUsage, "", bit(Gauge::rss_bytes), plain<Gauge::rss_bytes>, Pace::fast},
    {&metric::kProcessSwapUsage, "", bit(Gauge::swap_bytes), plain<Gauge::swap_bytes>, Pace::slow},
    {&metric::kProcessDiskIo, "disk.io.direction=read", bit(Counter::read_bytes), plain<Counter::read_bytes>,
     Pace::slow},
    {&metric::kProcessDiskIo, "disk.io.direction=write", bit(Counter::written_bytes), plain<Counter::written_bytes>,
     Pace::slow},
    {&metric::kProcessDescriptors, "", bit(Gauge::descriptors), plain<Gauge::descriptors>, Pace::fast_of_units},
    {&metric::kProcessThreads, "", bit(Gauge::threads), plain<Gauge::threads>, Pace::fast_of_units},
    {&metric::kProcessMembers, "process.state=defunct", bit(Gauge::zombies), plain<Gauge::zombies>,
     Pace::fast_of_units},
    {&metric::kProcessMembers, "", 0, [](const Sums& sums) { return static_cast<double>(sums.members); },
     Pace::fast_of_units},
    {&metric::kProcessFaults, "system.paging.fault.type=major", bit(Counter::major_faults),
     plain<Counter::major_faults>, Pace::slow},
    {&metric::kProcessFaults, "system.paging.fault.type=minor", bit(Counter::minor_faults),
     plain<Counter::minor_faults>, Pace::slow},
    {&metric::kProcessSwitches, "process.context_switch.type=involuntary", bit(Counter::involuntary_switches),
     plain<Counter::involuntary_switches>, Pace::slow},
    {&metric::kProcessSwitches, "process.context_switch.type=voluntary", bit(Counter::voluntary_switches),
     plain<Counter::voluntary_switches>, Pace::slow},
};

struct HostRow {
  const MetricInfo* metric;
  std::string_view attributes;
  double (*value)(const HostTasks& tasks);
};
// Running and blocked ones are counted by the cpu probe, as the scheduler counts them: threads.
constexpr HostRow kHostRows[] = {
    {&metric::kProcessesRunning, "process.state=sleeping", [](const HostTasks& t) { return double(t.sleeping); }},
    {&metric::kProcessesRunning, "process.state=stopped", [](const HostTasks& t) { return double(t.stopped); }},
    {&metric::kProcessesRunning, "process.state=defunct", [](const HostTasks& t) { return double(t.zombie); }},
    {&metric::kProcessesRunning, "process.state=idle", [](const HostTasks& t) { return double(t.idle); }},
    {&metric::kProcessesTotal, "", [](const HostTasks& t) { return double(t.processes()); }},
    {&metric::kThreadsTotal, "", [](const HostTasks& t) { return double(t.threads); }},
    {&metric::kThreadsBlocked, "", [](const HostTasks& t) { return double(t.blocked_threads); }},
    {&metric::kThreadsBlockedAge, "", [](const HostTasks& t) { return to_seconds(t.longest_blocked); }},
};

struct KindInfo {
  EntityKind entity;
  std::string_view others;  // a group of processes, never something that could be acted on
};
constexpr std::array<KindInfo, kGroupKinds> kKinds{KindInfo{EntityKind::service, "(other units)"},
                                                   KindInfo{EntityKind::container, "(other containers)"},
                                                   KindInfo{EntityKind::process, "(other executables)"}};

class CgroupFinder final : public PlaceFinder {
 public:
  explicit CgroupFinder(int proc) : proc_(proc) {}

  std::optional<Place> find(std::uint32_t pid) override {
    char path[32];
    (void)std::snprintf(path, sizeof path, "%u/cgroup", pid);  // fits
    const Fd fd(::openat(proc_, path, O_RDONLY | O_CLOEXEC));
    const ssize_t n = fd ? ::read(fd.get(), buffer_.data(), buffer_.size()) : -1;
    if (n < 0 && (errno == EACCES || errno == EPERM)) return Place{};  // it will not be told
    if (n <= 0) return std::nullopt;
    const std::string_view text(buffer_.data(), static_cast<std::size_t>(n));
    const std::string_view unit = parse_process_unit(text);
    Place place;
    if (unit.ends_with(".service")) place.unit = unit;  // sessions come and go by number; their programs have names
    place.container = parse_process_container(text).id;
    return place;
  }

 private:
  const int proc_;
  std::array<char, 8192> buffer_;
};

// The series of one group, beside it.
struct Published {
  std::uint64_t serial = 0;
  EntityId entity = kNoEntity;
  std::array<SeriesId, std::size(kRows)> series;
  Published() { series.fill(kNoSeries); }
};

class ProcessesProbe final : public Probe {
 public:
  ProcessesProbe(const Roots& roots, std::unique_ptr<ProcessSource> source, std::string note)
      : source_(std::move(source)), note_(std::move(note)), finder_(roots.proc.get()) {}

  Status read(MonoTime now, Sink& sink) override {
    if (!ledger_) {
      ledger_.emplace(finder_, now);
      define_host(sink);
    }
    ledger_->begin(now);
    auto sweep = source_->sweep(now, ledger_->followed(), *ledger_);
    ledger_->end(sweep && sweep->complete);
    if (!sweep) {
      tell_unknown(sink);
      return std::move(sweep).error();
    }
    if (now >= rank_at_) {
      rank_at_ = now + GroupTable::kRankInterval;
      for (std::size_t kind = 0; kind < kGroupKinds; ++kind) ledger_->groups(GroupKind(kind)).rank(now);
    }
    for (std::size_t i = 0; i < std::size(kHostRows); ++i) sink.sample(host_[i], kHostRows[i].value(sweep->tasks));
    for (std::size_t kind = 0; kind < kGroupKinds; ++kind) tell_kind(kind, sink);
    ++sweeps_;
    if (ledger_->not_followed() > 0) return make_error(ErrorCode::limit, "more processes than are followed");
    return ok();
  }
  Duration interval() const override { return source_->interval(); }
  std::string_view note() const override { return note_; }

 private:
  void define_host(Sink& sink) {
    const EntityId host = sink.entity(EntityKind::host, "");
    for (std::size_t i = 0; i < std::size(kHostRows); ++i)
      host_[i] = sink.series(host, *kHostRows[i].metric, kHostRows[i].attributes);
  }

  void tell_kind(std::size_t kind, Sink& sink) {
    const GroupTable& groups = ledger_->groups(GroupKind(kind));
    std::vector<Published>& published = published_[kind];
    if (published.size() < groups.size()) published.resize(groups.size());
    for (std::size_t i = 1; i < groups.size(); ++i) {
      const Group& group = groups[i];
      Published& told = published[i];
      if (told.entity != kNoEntity && (!group.shown || told.serial != group.serial)) {
        sink.retire(told.entity);
        told = {};
      }
      if (!group.shown) continue;
      told.serial = group.serial;
      tell(told, kKinds[kind].entity, group.name, group.sums, i, sink);
    }
    const Sums others = groups.others();
    if (others.members > 0 || published[0].entity != kNoEntity)
      tell(published[0], EntityKind::process, kKinds[kind].others, others, 0, sink);
  }

  void tell(Published& told, EntityKind kind, std::string_view name, const Sums& sums, std::size_t turn, Sink& sink) {
    const bool fresh = told.entity == kNoEntity;
    if (fresh) told.entity = sink.entity(kind, name);
    for (std::size_t i = 0; i < std::size(kRows); ++i) {
      const Row& row = kRows[i];
      const bool slow = row.pace == Pace::slow || (row.pace == Pace::fast_of_units && kind != EntityKind::service);
      if (slow && !fresh && (sweeps_ + turn) % kSlow != 0) continue;
      if (row.bit != 0 && (sums.told & row.bit) == 0) continue;  // nobody ever said
      if (told.series[i] == kNoSeries) told.series[i] = sink.series(told.entity, *row.metric, row.attributes);
      sink.sample(told.series[i], row.value(sums));
    }
  }

  void tell_unknown(Sink& sink) {
    for (const SeriesId series : host_) sink.sample(series, std::nullopt);
    for (const auto& kind : published_) {
      for (const Published& told : kind) {
        for (const SeriesId series : told.series) sink.sample(series, std::nullopt);
      }
    }
  }

  const std::unique_ptr<ProcessSource> source_;
  const std::string note_;
  CgroupFinder finder_;
  std::optional<ProcessLedger> ledger_;
  std::array<SeriesId, std::size(kHostRows)> host_{};
  std::array<std::vector<Published>, kGroupKinds> published_;
  std::uint64_t sweeps_ = 0;
  MonoTime rank_at_;
};

constexpr const MetricInfo* kMetrics[] = {
    &metric::kProcessCpuTime, &metric::kProcessRunDelay,    &metric::kProcessMemoryUsage, &metric::kProcessSwapUsage,
    &metric::kProcessDiskIo,  &metric::kProcessDescriptors, &metric::kProcessThreads,     &metric::kProcessMembers,
    &metric::kProcessFaults,  &metric::kProcessSwitches,    &metric::kProcessesRunning,   &metric::kProcessesTotal,
    &metric::kThreadsTotal,   &metric::kThreadsBlocked,     &metric::kThreadsBlockedAge};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  auto walk = bpf::make_sweep_source(context);
  std::string note = "the kernel walks its tasks for a BPF program";
  std::unique_ptr<ProcessSource> source;
  if (walk) {
    source = std::move(*walk);
  } else {
    constexpr std::string_view kNotHere = "not here, because ";
    std::string why = walk.error().message();
    if (why.starts_with(kNotHere)) why.erase(0, kNotHere.size());
    note = "reads the process tree in turn, because " + why;
    source = make_proc_source(context.roots.proc.get());
  }
  return std::unique_ptr<Probe>(std::make_unique<ProcessesProbe>(context.roots, std::move(source), std::move(note)));
}

}  // namespace

extern const ProbeInfo processes_probe;
const ProbeInfo processes_probe{
    "processes",
    "What processes use, by unit, container and executable; processes by state",
    kInterval,
    "BTF, CAP_BPF and CAP_PERFMON to see every process each second; else /proc, in turn",
    "0.3 ms of 170 processes, 0.9 ms of 1,200 each second; 3x that twice a minute (loaded 2-core VM, Linux 6.18)",
    kMetrics,
    make};

}  // namespace hostmedic
