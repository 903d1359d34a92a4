// SPDX-License-Identifier: Apache-2.0
// Active checks: asks each configured endpoint in its own interval whether it answers as it should.
#include <algorithm>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "detect/model/names_check.h"
#include "probes/endpoint/asker.h"
#include "probes/openmetrics/published.h"
#include "probes/probe.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostBody = 64 << 10;
constexpr int kMostCounted = 1000;  // failures, silences
// When an answer differs from the one before, the question is asked again this long after it was asked: two signs of a
// fault, or of its end, within a moment. Once for each question that was due, so that an endpoint is never asked more
// than twice as often as was configured.
constexpr Duration kAgain = std::chrono::milliseconds(200);

struct Followed {
  explicit Followed(const ActiveCheck& asked) : check(asked), published({"*"}) {}
  const ActiveCheck& check;
  MonoTime next;
  bool waits = false;          // for an answer
  bool again = false;          // it is the second question
  std::optional<bool> passed;  // last time
  std::string reason;
  EntityId entity = kNoEntity;
  SeriesId up = kNoSeries, took = kNoSeries, failed = kNoSeries, silent = kNoSeries, expiry = kNoSeries;
  int failures = 0, silences = 0;  // in a row
  Published published;             // what a plug-in prints
};

// Checks with the same interval are spread over it, always in the same way.
Duration offset(const ActiveCheck& check) {
  return Duration(static_cast<std::int64_t>(
      fnv1a(check.id) % static_cast<std::uint64_t>(std::max<std::int64_t>(1, check.interval.count()))));
}

// Why the answer is not what is expected; empty if it is.
std::string complaint(const ActiveCheck& check, const Answer& answer) {
  if (!answer.reached) return answer.reason;
  const bool web = check.url.starts_with("http");
  const bool as_wished =
      check.status == 0 ? answer.status >= 200 && answer.status < 400 : answer.status == check.status;
  if (web && !as_wished) return strf("status %d", answer.status);
  if (!check.contains.empty() && answer.body.find(check.contains) == std::string::npos)
    return "the answer does not contain '" + printable(check.contains, 60) + "'";
  return "";
}

class CheckProbe final : public Probe {
 public:
  CheckProbe(const ProbeSettings& settings, std::unique_ptr<Asker> asker)
      : followed_(settings.checks.begin(), settings.checks.end()), asker_(std::move(asker)) {}

  Status read(MonoTime now, Sink& sink) override {
    for (std::size_t i = 0; i < followed_.size(); ++i) {
      Followed& one = followed_[i];
      if (one.entity == kNoEntity) define(one, now, sink);
      ask_when_due(i, now);
    }
    return ok();
  }
  std::vector<int> descriptors() const override { return {asker_->fd()}; }
  Status on_ready(MonoTime now, Sink& sink) override {
    while (auto answer = asker_->take()) {
      Followed& one = followed_[answer->id];
      one.waits = false;
      const bool differs = tell(one, *answer, now, sink);
      if (differs && !one.again) ask_again(answer->id, answer->took);
      ask_when_due(answer->id, now);  // one that failed for want of time is not late with the next
    }
    return ok();
  }
  Duration interval() const override { return std::chrono::seconds(1); }

 private:
  void ask_when_due(std::size_t number, MonoTime now) {
    Followed& one = followed_[number];
    if (one.waits || now < one.next) return;
    // A late start does not shift the rhythm, and what was missed is not made up for.
    one.next += one.check.interval * (1 + (now - one.next) / one.check.interval);
    ask(number, Duration::zero());
    one.again = false;
  }
  void ask_again(std::size_t number, Duration took) {
    ask(number, std::max(kAgain - took, Duration::zero()));
    followed_[number].again = true;
  }
  void ask(std::size_t number, Duration after) {
    const ActiveCheck& check = followed_[number].check;
    followed_[number].waits = true;
    asker_->ask({number, check.url, check.timeout, check.ca, kMostBody, after});
  }

  static void define(Followed& one, MonoTime now, Sink& sink) {
    const ActiveCheck& check = one.check;
    one.next = now + offset(check) % std::min<Duration>(check.interval, std::chrono::seconds(10));
    one.entity = check.service.empty() ? sink.entity(EntityKind::endpoint, check.url)
                                       : sink.entity(EntityKind::service, check.service);
    const std::string attributes = "check.id=" + check.id;
    one.up = sink.series(one.entity, metric::kCheckUp, attributes);
    one.took = sink.series(one.entity, metric::kCheckDuration, attributes);
    one.failed = sink.series(one.entity, metric::kCheckFailures, attributes);
    one.silent = sink.series(one.entity, metric::kCheckSilent, attributes);
  }

  static void tell_unknown(Followed& one, Sink& sink) {
    for (const SeriesId series : {one.up, one.took, one.failed, one.silent, one.expiry})
      if (series != kNoSeries) sink.sample(series, std::nullopt);
    if (one.check.url.starts_with("exec:")) one.published.unknown(sink);
  }

  // True if it failed and did not before, or the other way round.
  static bool tell(Followed& one, const Answer& answer, MonoTime now, Sink& sink) {
    if (!answer.asked) {
      tell_unknown(one, sink);
      return false;
    }
    const std::string reason = complaint(one.check, answer);
    const bool passed = reason.empty();
    sink.sample(one.up, passed ? 1 : 0);
    sink.sample(one.took, answer.reached ? std::optional(to_seconds(answer.took)) : std::nullopt);
    one.failures = passed ? 0 : std::min(one.failures + 1, kMostCounted);
    sink.sample(one.failed, one.failures);
    one.silences = answer.silent ? std::min(one.silences + 1, kMostCounted) : 0;
    sink.sample(one.silent, one.silences);
    if (answer.certificate_ends && one.expiry == kNoSeries)
      one.expiry = sink.series(one.entity, metric::kCheckCertificateExpiry, "check.id=" + one.check.id);
    if (one.expiry != kNoSeries) {
      sink.sample(one.expiry, answer.certificate_ends
                                  ? std::optional(static_cast<double>(to_ns(*answer.certificate_ends)) / 1e9)
                                  : std::nullopt);
    }
    if (one.check.url.starts_with("exec:")) {
      answer.reached ? (void)one.published.show(answer.body, one.entity, sink) : one.published.unknown(sink);
    }
    if (one.passed == passed && one.reason == reason) return false;
    // The first answer is news only if it is a bad one.
    const bool news = one.passed ? *one.passed != passed : !passed;
    one.passed = passed;
    one.reason = reason;
    if (!news) return false;
    sink.event({EventKind::check_state,
                one.entity,
                now,
                {{std::string(attr::kCheckId), one.check.id},
                 {std::string(attr::kCheckUrl), one.check.url},
                 {std::string(attr::kCheckState), passed ? "up" : "down"},
                 {std::string(attr::kCheckReason), reason}}});
    return true;
  }

  std::vector<Followed> followed_;
  std::unique_ptr<Asker> asker_;
};

constexpr const MetricInfo* kMetrics[] = {&metric::kCheckUp, &metric::kCheckDuration, &metric::kCheckFailures,
                                          &metric::kCheckSilent, &metric::kCheckCertificateExpiry};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  if (context.settings.checks.empty())
    return make_error(ErrorCode::unsupported, "not here, because no [[check]] is configured");
  auto asker = context.askers->make();
  if (!asker) return std::move(asker).error();
  return std::unique_ptr<Probe>(std::make_unique<CheckProbe>(context.settings, std::move(*asker)));
}

}  // namespace

extern const ProbeInfo check_probe;
const ProbeInfo check_probe{"checks",
                            "whether endpoints answer as they should",
                            std::chrono::seconds(1),
                            "[[check]] tables in hostmedic.toml",
                            "0.2 ms per HTTP check on a 2-core VM, Linux 6.18",
                            kMetrics,
                            make,
                            ProbePriority::vital};

}  // namespace hostmedic
