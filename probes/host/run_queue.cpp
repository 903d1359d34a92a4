// SPDX-License-Identifier: Apache-2.0
// For how long runnable threads waited for a CPU: seen before CPU time shows it, and also on a host whose CPUs are
// taken away by a hypervisor.
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/schedstat.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(5);

class RunQueueProbe final : public Probe {
 public:
  explicit RunQueueProbe(int proc) : file_(proc, "schedstat", KeptFile::Shape::pieces) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) {
      const EntityId host = sink.entity(EntityKind::host, "");
      waiting_ = sink.series(host, metric::kRunQueueTime);
      timeslices_ = sink.series(host, metric::kTimeslices);
      defined_ = true;
    }
    const auto text = file_.read();
    if (!text) return fail(sink, text.error());
    const auto stat = parse_schedstat(*text);
    if (!stat) return fail(sink, stat.error());
    constexpr double kSecondsPerNs = 1e-9;
    sink.sample(waiting_, static_cast<double>(stat->waiting_ns) * kSecondsPerNs / stat->cpus);
    sink.sample(timeslices_, static_cast<double>(stat->timeslices));
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  Error fail(Sink& sink, const Error& error) {
    sink.sample(waiting_, std::nullopt);
    sink.sample(timeslices_, std::nullopt);
    return Error(error).in("schedstat");
  }

  KeptFile file_;
  bool defined_ = false;
  SeriesId waiting_{}, timeslices_{};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kRunQueueTime, &metric::kTimeslices};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  const int proc = context.roots.proc.get();
  if (!KeptFile(proc, "schedstat", KeptFile::Shape::pieces).open())
    return make_error(ErrorCode::unsupported, "not here, because the kernel keeps no scheduler statistics (schedstat)");
  return std::unique_ptr<Probe>(std::make_unique<RunQueueProbe>(proc));
}

}  // namespace

extern const ProbeInfo run_queue_probe;
const ProbeInfo run_queue_probe{"run-queue",
                                "time that runnable threads waited for a CPU",
                                kInterval,
                                "CONFIG_SCHEDSTATS",
                                "32 us per read of 64 CPUs on a 2-core VM, Linux 6.18, from a file on disk",
                                kMetrics,
                                make,
                                ProbePriority::detail};

}  // namespace hostmedic
