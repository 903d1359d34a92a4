// SPDX-License-Identifier: Apache-2.0
// Load averages. The kernel renews them every five seconds.
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/loadavg.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(5);

class LoadProbe final : public Probe {
 public:
  explicit LoadProbe(const Roots& roots) : loadavg_(roots.proc.get(), "loadavg", KeptFile::Shape::whole) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) {
      const EntityId host = sink.entity(EntityKind::host, "");
      load1_ = sink.series(host, metric::kLoad1);
      load5_ = sink.series(host, metric::kLoad5);
      load15_ = sink.series(host, metric::kLoad15);
      defined_ = true;
    }
    const auto text = loadavg_.read();
    if (!text) return fail(sink, text.error());
    const auto load = parse_loadavg(*text);
    if (!load) return fail(sink, load.error());
    sink.sample(load1_, load->one_minute);
    sink.sample(load5_, load->five_minutes);
    sink.sample(load15_, load->fifteen_minutes);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  Error fail(Sink& sink, const Error& error) {
    for (const SeriesId series : {load1_, load5_, load15_}) sink.sample(series, std::nullopt);
    return Error(error).in("loadavg");
  }

  KeptFile loadavg_;
  bool defined_ = false;
  SeriesId load1_{}, load5_{}, load15_{};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kLoad1, &metric::kLoad5, &metric::kLoad15};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<LoadProbe>(context.roots));
}

}  // namespace

extern const ProbeInfo load_probe;
const ProbeInfo load_probe{
    "load", "load averages", kInterval, "", "21 us per read on a 2-core VM, Linux 6.18", kMetrics, make};

}  // namespace hostmedic
