// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/report.h"

#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/net/otlp.h"
#include "agent/record/record.h"

namespace hostmedic {
namespace {

constexpr std::string_view kScope = "hostmedic";

OtlpAttributes resource(const HostIdentity& host) {
  return {{"service.name", std::string("hostmedic")},
          {"service.version", version()},
          {"service.instance.id", host.id},
          {"host.id", host.id},
          {"host.name", host.name}};
}

std::string_view event_name(const Incident& incident) {
  if (incident.suspicion) return "hostmedic.incident.suspected";
  if (incident.revision <= 1) return "hostmedic.incident.opened";
  if (incident.state == IncidentState::resolved) return "hostmedic.incident.resolved";
  if (incident.state == IncidentState::escalated) return "hostmedic.incident.escalated";
  return "hostmedic.incident.updated";
}

int severity_number(Severity severity) {
  switch (severity) {
    case Severity::info: return kOtlpInfo;
    case Severity::warning: return kOtlpWarning;
    case Severity::error: return kOtlpError;
    case Severity::critical: return kOtlpFatal;
  }
  return kOtlpWarning;
}

std::string encode_log(OtlpLogRecord record, const HostIdentity& host) {
  OtlpResourceLogs logs;
  logs.attributes = resource(host);
  logs.scopes.push_back({.name = std::string(kScope), .version = version(), .items = {}});
  logs.scopes[0].items.push_back(std::move(record));
  return encode_resource(logs);
}

std::uint64_t unix_nano(WallTime t) { return static_cast<std::uint64_t>(to_ns(t)); }

}  // namespace

bool calls_for_a_human(const Incident& incident) { return !incident.suspicion && incident.part_of.empty(); }

Report incident_report(const Incident& incident, const HostIdentity& host, WallTime now) {
  Report report;
  report.uid = strf("%s.%u", incident.id.c_str(), incident.revision);
  OtlpLogRecord record;
  record.time_unix_nano = record.observed_time_unix_nano = unix_nano(now);
  // Who pages by the severity of log records must not page for these.
  const Severity severity = calls_for_a_human(incident) ? incident.severity : Severity::info;
  record.severity_number = severity_number(severity);
  record.severity_text = to_string(severity);
  record.body = incident.summary;
  record.event_name = event_name(incident);
  record.attributes = {{"log.record.uid", report.uid},
                       {"hostmedic.incident.id", incident.id},
                       {"hostmedic.incident.revision", std::int64_t{incident.revision}},
                       {"hostmedic.incident.kind", incident.kind},
                       {"hostmedic.incident.state", std::string(to_string(incident.state))},
                       {"hostmedic.incident.root", to_string(incident.root)},
                       {"hostmedic.incident.severity", std::string(to_string(incident.severity))},
                       {"hostmedic.incident.confidence", incident.confidence},
                       {"hostmedic.incident.suspicion", incident.suspicion},
                       {"hostmedic.incident.part_of", incident.part_of},
                       {"hostmedic.incident.record", to_json(incident)}};
  report.payload = encode_log(std::move(record), host);
  return report;
}

Report heartbeat_report(const Heartbeat& heartbeat, const HostIdentity& host, WallTime now) {
  OtlpResourceMetrics metrics;
  metrics.attributes = resource(host);
  metrics.scopes.push_back({.name = std::string(kScope), .version = version(), .items = {}});
  const auto add = [&](std::string name, std::string unit, double value, OtlpMetricKind kind) {
    OtlpMetric metric;
    metric.name = std::move(name);
    metric.unit = std::move(unit);
    metric.kind = kind;
    metric.monotonic = kind == OtlpMetricKind::sum;
    OtlpPoint point;
    point.time_unix_nano = unix_nano(now);
    if (kind == OtlpMetricKind::sum) point.start_time_unix_nano = unix_nano(heartbeat.started);
    point.value = value;
    metric.points.push_back(std::move(point));
    metrics.scopes[0].items.push_back(std::move(metric));
  };
  using enum OtlpMetricKind;
  add("hostmedic.agent.cpu.time", "s", to_seconds(heartbeat.usage.cpu), sum);
  add("hostmedic.agent.memory.usage", "By", static_cast<double>(heartbeat.usage.resident.count), gauge);
  add("hostmedic.agent.series", "{series}", static_cast<double>(heartbeat.series), gauge);
  add("hostmedic.agent.probe.connected", "1", heartbeat.probe_connected ? 1 : 0, gauge);
  add("hostmedic.agent.halted", "1", heartbeat.halted ? 1 : 0, gauge);
  add("hostmedic.incidents.open", "{incident}", static_cast<double>(heartbeat.open_incidents), gauge);
  add("hostmedic.spool.waiting", "{record}", static_cast<double>(heartbeat.spool_waiting), gauge);
  add("hostmedic.spool.dropped", "{record}", static_cast<double>(heartbeat.spool_dropped), sum);
  Report report;
  report.uid = strf("heartbeat.%lld", static_cast<long long>(to_ns(now)));
  report.payload = encode_resource(metrics);
  return report;
}

Report gap_report(const SpoolGap& gap, const HostIdentity& host, WallTime now) {
  Report report;
  report.uid = strf("gap.%s.%lld.%llu", std::string(to_string(gap.signal)).c_str(),
                    static_cast<long long>(to_ns(gap.to)), static_cast<unsigned long long>(gap.count));
  OtlpLogRecord record;
  record.time_unix_nano = unix_nano(gap.to);
  record.observed_time_unix_nano = unix_nano(now);
  record.severity_number = kOtlpWarning;
  record.severity_text = "warning";
  record.event_name = "hostmedic.spool.gap";
  record.body = strf("%llu %s records between %s and %s were dropped before they could be delivered",
                     static_cast<unsigned long long>(gap.count), std::string(to_string(gap.signal)).c_str(),
                     format_utc(gap.from).c_str(), format_utc(gap.to).c_str());
  record.attributes = {{"log.record.uid", report.uid},
                       {"hostmedic.gap.signal", std::string(to_string(gap.signal))},
                       {"hostmedic.gap.count", static_cast<std::int64_t>(gap.count)},
                       {"hostmedic.gap.from_unix_nano", to_ns(gap.from)},
                       {"hostmedic.gap.to_unix_nano", to_ns(gap.to)}};
  report.payload = encode_log(std::move(record), host);
  return report;
}

}  // namespace hostmedic
