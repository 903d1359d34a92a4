// SPDX-License-Identifier: Apache-2.0
// Page faults. Every few seconds only: the kernel prints some two hundred lines for the two that are wanted.
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/vmstat.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(5);

class PagingProbe final : public Probe {
 public:
  explicit PagingProbe(const Roots& roots) : vmstat_(roots.proc.get(), "vmstat", KeptFile::Shape::pieces) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) {
      const EntityId host = sink.entity(EntityKind::host, "");
      major_ = sink.series(host, metric::kPagingFaults, "system.paging.type=major");
      minor_ = sink.series(host, metric::kPagingFaults, "system.paging.type=minor");
      defined_ = true;
    }
    const auto text = vmstat_.read();
    if (!text) return fail(sink, text.error());
    const auto stat = parse_vmstat(*text);
    if (!stat) return fail(sink, stat.error());
    std::optional<double> major, minor;
    if (stat->major_faults) major = static_cast<double>(*stat->major_faults);
    // The kernel counts the major faults among all of them.
    if (stat->faults && stat->major_faults) minor = static_cast<double>(*stat->faults) - *major;
    sink.sample(major_, major);
    sink.sample(minor_, minor);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  Error fail(Sink& sink, const Error& error) {
    sink.sample(major_, std::nullopt);
    sink.sample(minor_, std::nullopt);
    return Error(error).in("vmstat");
  }

  KeptFile vmstat_;
  bool defined_ = false;
  SeriesId major_{}, minor_{};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kPagingFaults};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<PagingProbe>(context.roots));
}

}  // namespace

extern const ProbeInfo paging_probe;
const ProbeInfo paging_probe{"paging", "page faults", kInterval, "", "65 us per read on a 2-core VM, Linux 6.18",
                             kMetrics, make};

}  // namespace hostmedic
