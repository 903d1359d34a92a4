// SPDX-License-Identifier: Apache-2.0
// Takes over series of exporters on this host, so that an application's own gauges are signals.
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/endpoint/asker.h"
#include "probes/openmetrics/published.h"
#include "probes/probe.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostBody = 4 << 20;

struct Exporter {
  explicit Exporter(const Scrape& asked) : scrape(asked), published(asked.allow) {}
  const Scrape& scrape;
  MonoTime next;
  bool waits = false;
  EntityId entity = kNoEntity;
  SeriesId up = kNoSeries;
  Published published;
  std::string trouble;  // of the last scrape; empty: none
};

class ScrapeProbe final : public Probe {
 public:
  ScrapeProbe(const ProbeSettings& settings, std::unique_ptr<Asker> asker)
      : exporters_(settings.scrapes.begin(), settings.scrapes.end()), asker_(std::move(asker)) {}

  Status read(MonoTime now, Sink& sink) override {
    Status status = ok();
    for (std::size_t i = 0; i < exporters_.size(); ++i) {
      Exporter& one = exporters_[i];
      if (one.entity == kNoEntity) define(one, sink);
      if (status && !one.trouble.empty()) status = make_error(ErrorCode::io, one.trouble).in(one.scrape.id);
      if (one.waits || now < one.next) continue;
      one.next = now + one.scrape.interval;
      one.waits = true;
      asker_->ask({i, one.scrape.url, one.scrape.timeout, "", kMostBody});
    }
    return status;
  }
  std::vector<int> descriptors() const override { return {asker_->fd()}; }
  Status on_ready(MonoTime, Sink& sink) override {
    while (auto answer = asker_->take()) {
      Exporter& one = exporters_[answer->id];
      one.waits = false;
      show(one, *answer, sink);
    }
    return ok();
  }
  Duration interval() const override { return std::chrono::seconds(1); }

 private:
  static void define(Exporter& one, Sink& sink) {
    one.entity = one.scrape.service.empty() ? sink.entity(EntityKind::endpoint, one.scrape.url)
                                            : sink.entity(EntityKind::service, one.scrape.service);
    one.up = sink.series(one.entity, metric::kScrapeUp, "scrape.id=" + one.scrape.id);
  }
  static void show(Exporter& one, const Answer& answer, Sink& sink) {
    const bool good = answer.reached && answer.status == 200;
    sink.sample(one.up, good ? 1 : 0);
    if (!good) {
      one.trouble = answer.reached ? strf("status %d", answer.status) : answer.reason;
      one.published.unknown(sink);
      return;
    }
    const Published::Counts counts = one.published.show(answer.body, one.entity, sink);
    one.trouble.clear();
    if (counts.left_out > 0)
      one.trouble = strf("%zu series more than the %zu that are taken", counts.left_out, Published::kMostSeries);
    if (counts.taken == 0) one.trouble = "none of its series is allowed";
    if (counts.malformed > 0) one.trouble = strf("%zu lines were not understood", counts.malformed);
  }

  std::vector<Exporter> exporters_;
  std::unique_ptr<Asker> asker_;
};

constexpr const MetricInfo* kMetrics[] = {&metric::kScrapeUp};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  if (context.settings.scrapes.empty())
    return make_error(ErrorCode::unsupported, "not here, because no [[scrape]] is configured");
  auto asker = context.askers->make();
  if (!asker) return std::move(asker).error();
  return std::unique_ptr<Probe>(std::make_unique<ScrapeProbe>(context.settings, std::move(*asker)));
}

}  // namespace

extern const ProbeInfo scrape_probe;
const ProbeInfo scrape_probe{"openmetrics",
                             "allowed series of exporters on this host",
                             std::chrono::seconds(1),
                             "[[scrape]] tables in hostmedic.toml",
                             "0.5 us per line, on a 2-core VM, Linux 6.18",
                             kMetrics,
                             make,
                             ProbePriority::useful};

}  // namespace hostmedic
