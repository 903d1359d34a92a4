// SPDX-License-Identifier: Apache-2.0
// What others see of the host: requests, checks, certificates; and what its logs say.
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

constexpr DefaultCondition kRequests[] = {
    {"http-errors",
     "error_rate > (25% if stage is test* or stage is dev* else 5%) and request_rate > 1/s for 1m clear after 1m",
     "http.errors", Severity::error, 0.85,
     "one request of twenty fails; below one a second a single failure is a share. Who tests, makes errors"},
    {"http-failing", "error_rate > 50% and request_rate > 1/s for 20s clear after 20s unless stage is test*",
     "http.errors", Severity::critical, 0.95, "most requests fail: the service is down for its users"},
    {"http-failing-wholly",
     "any(hostmedic.check.up == 0) and any(hostmedic.check.failures > 1) and error_rate > 80% and request_rate > 1/s "
     "and hostmedic.service.uptime > 30s clear after 5s unless stage is test*",
     "http.errors", Severity::error, 0.95,
     "four of five requests fail, and two checks too; what has just been started may still warm up"},
    {"http-errors-begin", "error_rate > 20% and request_rate > 0.5/s for 150ms clear after 5s", "http.errors",
     Severity::info, 0.6, "two readings, and too little to judge by: it tells who suffers of another's fault", "*",
     false},
    {"http-slow", "p99_latency > 5s and request_rate > 1/s for 2m clear after 1m", "http.slow", Severity::warning, 0.6,
     "people leave after seconds; some requests are slow by nature, so it is a warning"},
    {"http-suddenly-slow",
     "min(p50_latency, 5s) > 5 * avg(p50_latency, 2m) and p50_latency > 250ms and "
     "any(min(hostmedic.check.duration, 5s) > 5 * avg(hostmedic.check.duration, 2m)) and request_rate > 1/s and "
     "request_rate < 2 * avg(request_rate, 2m) and hostmedic.service.uptime > 2m clear after 5m",
     "http.slow", Severity::warning, 0.9,
     "eight times slower from one moment to the next, to be felt, as visitors and a check agree, and not for more "
     "visitors. The mean of two minutes soon takes it for usual: it ends when it was not so for five"},
    {"http-slower-than-usual",
     "avg(p99_latency, 5m) > 4 * avg(p99_latency, 6h) and avg(p99_latency, 5m) > 500ms and request_rate > 1/s for 2m",
     "http.slow", Severity::warning, 0.6, "four times slower than over the last hours, and to be felt"},
    {"grpc-errors",
     "sum(hostmedic.rpc.server.response.count{rpc.response.status_code=error}) / "
     "sum(hostmedic.rpc.server.response.count) > (25% if stage is test* or stage is dev* else 5%) and "
     "sum(hostmedic.rpc.server.response.count) > 1/s for 1m clear after 1m",
     "http.errors", Severity::error, 0.8, "as for HTTP"},
};

// A request that came and was not answered is seen by the kernel, whoever asked.
constexpr DefaultCondition kChecks[] = {
    {"service-hung",
     "any(hostmedic.check.up == 0) and any(hostmedic.check.failures > 1) and "
     "(sum(hostmedic.http.server.request.count) == 0 for 1s) and "
     "delta(sum(hostmedic.http.server.request.begun), 5s) > 1 and hostmedic.service.uptime > 30s and "
     "(hostmedic.service.cpu.time < 20% or any(hostmedic.check.up == 0 for 4s)) clear after 2s unless "
     "(known(sum(hostmedic.tcp.retransmits{role=client})) and delta(sum(hostmedic.tcp.retransmits{role=client}), 10s) "
     "> 3)",
     "service.hung", Severity::error, 0.95,
     "two checks in a row fail, requests come, and for two seconds not one is answered by who has answered before; "
     "what has just been started may still warm up, what computes may be tidying its memory, and who has to send again "
     "to what it asks waits for that"},
    {"requests-unanswered",
     "delta(sum(hostmedic.http.server.request.begun), 5s) > 1 and (sum(hostmedic.http.server.request.count) == 0 for "
     "1s) clear after 2s",
     "service.hung", Severity::info, 0.6, "slow requests look the same, so it only supports", "service:*", false},
    {"service-silent",
     "any(hostmedic.check.up == 0) and any(hostmedic.check.silent > 1) and hostmedic.service.uptime > 30s clear after "
     "2s unless known(hostmedic.http.server.request.begun)",
     "service.hung", Severity::error, 0.9,
     "twice in a row it took a question and said nothing; who restarts refuses it. Nothing is done for that alone: "
     "others must suffer. Of who speaks HTTP the requests of all tell more",
     "service:*"},
    {"check-begins-to-fail", "any(hostmedic.check.up == 0) and any(hostmedic.check.failures > 1) clear after 2s",
     "check.failing", Severity::info, 0.6,
     "too little to judge by, as a reload looks the same: it tells who suffers of another's fault", "*", false},
    {"check-failing", "any(hostmedic.check.up == 0 for 30s)", "check.failing", Severity::error, 0.95,
     "it asks as a user would; half a minute bridges a reload"},
    {"check-slow", "any(hostmedic.check.duration > 5s for 2m)", "check.slow", Severity::warning, 0.6,
     "an answer that takes five seconds is hardly one"},
    {"scrape-failing", "any(hostmedic.scrape.up == 0 for 2m)", "scrape.failing", Severity::warning, 0.8,
     "what the exporter says is unknown, and rules on it neither fire nor clear"},
};

// Those that renew by themselves do so a month before the end, within a day or two.
constexpr DefaultCondition kCertificates[] = {
    {"certificate-month", "hostmedic.certificate.expiry.time < 28d", "certificate.expiring", Severity::info, 0.6,
     "automatic renewal begins at 30 days and tries twice a day: at 28 it has failed, or nobody set it up"},
    {"certificate-fortnight", "hostmedic.certificate.expiry.time < 14d", "certificate.expiring", Severity::warning, 0.9,
     "two weeks are enough for a human and a holiday"},
    {"certificate-days", "hostmedic.certificate.expiry.time < 3d", "certificate.expiring", Severity::error, 0.95,
     "three days, a weekend included"},
    {"certificate-expired", "hostmedic.certificate.expiry.time <= 0", "certificate.expired", Severity::critical, 0.99,
     "clients refuse it from now on"},
    {"check-certificate-fortnight", "any(hostmedic.check.certificate.not_after - now < 14d)", "certificate.expiring",
     Severity::warning, 0.9, "as for files; this is what the endpoint really shows"},
    {"check-certificate-expired", "any(hostmedic.check.certificate.not_after - now <= 0)", "certificate.expired",
     Severity::critical, 0.99, "clients refuse it from now on"},
    {"check-certificate-days", "any(hostmedic.check.certificate.not_after - now < 3d)", "certificate.expiring",
     Severity::error, 0.95, "three days, a weekend included"},
};

constexpr DefaultCondition kLogs[] = {
    {"log-errors-burst",
     "rate(sum(hostmedic.log.records{log.severity=ERROR}), 1m) > 2/s and "
     "rate(sum(hostmedic.log.records{log.severity=ERROR}), 1m) > "
     "10 * rate(sum(hostmedic.log.records{log.severity=ERROR}), 2h) clear after 1m",
     "log.errors", Severity::warning, 0.6,
     "ten times as many errors as over the last two hours, and not just a few; who always complains is not heard",
     "service:*"},
    {"log-errors-flood",
     "(sum(hostmedic.log.records{log.severity=ERROR}) > 5/s and "
     "delta(sum(hostmedic.log.records{log.severity=ERROR}), 20s) < "
     "1.2 * delta(sum(hostmedic.log.records{log.severity=ERROR}), 10s) and "
     "delta(sum(hostmedic.log.templates.new), 20s) > 0) for 3s clear after 1m",
     "log.errors", Severity::warning, 0.85,
     "three signs at once: many errors every second, none before, and a kind of message that it never wrote; a burst "
     "of one second is a stack trace or a job's end",
     "service:*"},
    {"database-refusing",
     "any(hostmedic.check.up == 0 for 1s) and delta(sum(hostmedic.log.records{log.severity=FATAL}), 10s) > 0 "
     "clear after 5s",
     "database.refusing", Severity::error, 0.95,
     "it ends sessions and says so, and whoever checks it gets none, twice: for users it is down while it runs",
     "service:postgresql*"},
    {"log-fatal", "delta(sum(hostmedic.log.records{log.severity=FATAL}), 1m) > 0", "log.errors", Severity::warning, 0.6,
     "critical, alert or emergency: rarely written, and rarely for nothing", "service:*"},
};

}  // namespace

void add_endpoints(EngineConfig& ret_config) {
  add(kRequests, ret_config);
  add(kChecks, ret_config);
  add(kCertificates, ret_config);
  add(kLogs, ret_config);
}

}  // namespace hostmedic::detect
