// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/translate.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>

#include "agent/base/text.h"
#include "agent/record/record.h"

namespace hostmedic {

namespace {
constexpr std::string_view kRecord = "hostmedic.incident.record";
constexpr std::string_view kGapCount = "hostmedic.gap.count";
constexpr std::size_t kMostName = 128, kMostBody = 4096, kMostValue = 1024, kMostKept = 64;

WallTime time_of(std::uint64_t ns) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return wall_from_ns(static_cast<std::int64_t>(std::min(ns, kMost)));
}

std::string text_of(const OtlpValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return printable(*text, kMostValue);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return strf("%lld", static_cast<long long>(*number));
  if (const auto* number = std::get_if<double>(&value)) return strf("%.15g", *number);
  return std::get<bool>(value) ? "true" : "false";
}

std::string attributes_json(const OtlpAttributes& attributes) {
  boost::json::object out;
  for (const OtlpAttribute& one : attributes) {
    if (out.size() == kMostKept) break;
    if (one.key != kRecord) out[printable(one.key, kMostName)] = text_of(one.value);
  }
  return boost::json::serialize(out);
}

std::string attributes_text(const OtlpAttributes& attributes) {
  std::vector<std::string> parts;
  for (const OtlpAttribute& one : attributes) {
    if (parts.size() == kMostKept) break;
    parts.push_back(printable(one.key + "=" + text_of(one.value), kMostName));
  }
  std::sort(parts.begin(), parts.end());
  return join(parts, ",");
}

// Every resource must be of the host that the certificate was made for.
template <class Item>
Result<FleetSender> sender_of(const OtlpRequest<Item>& request, const CertificateInfo& peer) {
  FleetSender sender;
  sender.host = peer.common_name;
  sender.fingerprint = peer.fingerprint;
  if (sender.host.empty()) return make_error(ErrorCode::denied, "the certificate carries no name");
  for (const OtlpResource<Item>& resource : request.resources) {
    const std::string_view name = attribute_text(resource.attributes, "host.name");
    if (name != peer.common_name)
      return make_error(ErrorCode::denied, "sends as host.name '" + printable(name, kMostName) +
                                               "' with the certificate of '" + peer.common_name + "'");
    sender.host_id = printable(attribute_text(resource.attributes, "host.id"), kMostName);
    sender.version = printable(attribute_text(resource.attributes, "service.version"), kMostName);
  }
  return sender;
}

bool plain_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

// Senders that give no uid: equal content is the same record.
std::string content_uid(const FleetLog& log) {
  const std::string all = strf("%lld\n%d\n", static_cast<long long>(to_ns(log.at)), log.severity) + log.event_name +
                          "\n" + log.body + "\n" + log.attributes;
  return "content-" + hex64(fnv1a(all)) + hex64(fnv1a(all, 0x9e3779b97f4a7c15ULL));
}

Result<FleetLog> log_of(const OtlpLogRecord& record) {
  FleetLog log;
  log.at = time_of(record.time_unix_nano != 0 ? record.time_unix_nano : record.observed_time_unix_nano);
  log.event_name = printable(record.event_name, kMostName);
  log.body = printable(record.body, kMostBody);
  log.severity = record.severity_number;
  log.attributes = attributes_json(record.attributes);
  const std::string_view uid = attribute_text(record.attributes, "log.record.uid");
  log.uid = uid.empty() ? content_uid(log) : printable(uid, kMostName);
  if (const OtlpValue* lost = find_attribute(record.attributes, kGapCount))
    if (const auto* count = std::get_if<std::int64_t>(lost); count != nullptr && *count > 0)
      log.lost = static_cast<std::uint64_t>(*count);
  if (find_attribute(record.attributes, kRecord) == nullptr) return log;
  Result<Incident> incident = incident_from_json(attribute_text(record.attributes, kRecord));
  if (!incident) return std::move(incident.error()).in(kRecord);
  if (!plain_id(incident->id))
    return make_error(ErrorCode::malformed, std::string(kRecord) + ": id: not an identifier");
  log.incident_record = to_json(*incident);
  log.incident = std::move(*incident);
  return log;
}

template <class Row>
void reject(Translated<Row>& out, const std::string& why) {
  ++out.answer.rejected;
  if (out.answer.message.empty()) out.answer.message = why;  // the first is enough to find the cause
}

void add_points(Translated<FleetMetric>& out, const OtlpMetric& metric) {
  for (const OtlpPoint& point : metric.points) {
    FleetMetric row;
    row.name = printable(metric.name, kMostName);
    row.unit = printable(metric.unit, kMostName);
    row.attributes = attributes_text(point.attributes);
    row.at = time_of(point.time_unix_nano);
    if (const auto* number = std::get_if<double>(&point.value))
      row.value = *number;
    else
      row.value = static_cast<double>(std::get<std::int64_t>(point.value));
    if (std::isfinite(row.value))
      out.rows.push_back(std::move(row));
    else
      reject(out, row.name + ": not a finite number");
  }
}
}  // namespace

Result<Translated<FleetLog>> translate(const OtlpLogsRequest& request, const CertificateInfo& peer) {
  Translated<FleetLog> out;
  Result<FleetSender> sender = sender_of(request, peer);
  if (!sender) return std::move(sender.error());
  out.sender = std::move(*sender);
  for (const OtlpResourceLogs& resource : request.resources)
    for (const auto& scope : resource.scopes)
      for (const OtlpLogRecord& record : scope.items) {
        Result<FleetLog> log = log_of(record);
        if (log)
          out.rows.push_back(std::move(*log));
        else
          reject(out, log.error().message());
      }
  return out;
}

Result<Translated<FleetMetric>> translate(const OtlpMetricsRequest& request, const CertificateInfo& peer) {
  Translated<FleetMetric> out;
  Result<FleetSender> sender = sender_of(request, peer);
  if (!sender) return std::move(sender.error());
  out.sender = std::move(*sender);
  for (const OtlpResourceMetrics& resource : request.resources)
    for (const auto& scope : resource.scopes)
      for (const OtlpMetric& metric : scope.items) add_points(out, metric);
  return out;
}

}  // namespace hostmedic
