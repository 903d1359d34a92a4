// SPDX-License-Identifier: Apache-2.0
#include <protozero/pbf_writer.hpp>

#include "agent/net/otlp.h"
#include "agent/net/otlp_fields.h"

namespace hostmedic {
namespace {

using protozero::pbf_writer;
namespace field = otlp_field;

void add_text(pbf_writer& out, std::uint32_t number, const std::string& text) {
  if (!text.empty()) out.add_string(number, text);
}

void add_value(pbf_writer& out, const OtlpValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) out.add_string(field::kStringValue, *text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) out.add_int64(field::kIntValue, *number);
  if (const auto* number = std::get_if<double>(&value)) out.add_double(field::kDoubleValue, *number);
  if (const auto* flag = std::get_if<bool>(&value)) out.add_bool(field::kBoolValue, *flag);
}

void add_attributes(pbf_writer& out, std::uint32_t number, const OtlpAttributes& attributes) {
  for (const OtlpAttribute& attribute : attributes) {
    pbf_writer pair(out, number);
    pair.add_string(field::kKey, attribute.key);
    pbf_writer value(pair, field::kValue);
    add_value(value, attribute.value);
  }
}

void add_item(pbf_writer& out, const OtlpLogRecord& record) {
  if (record.time_unix_nano != 0) out.add_fixed64(field::kLogTime, record.time_unix_nano);
  if (record.severity_number != 0) out.add_enum(field::kLogSeverityNumber, record.severity_number);
  add_text(out, field::kLogSeverityText, record.severity_text);
  if (!record.body.empty()) {
    pbf_writer body(out, field::kLogBody);
    body.add_string(field::kStringValue, record.body);
  }
  add_attributes(out, field::kLogAttributes, record.attributes);
  if (!record.trace_id.empty()) out.add_bytes(field::kLogTraceId, record.trace_id);
  if (!record.span_id.empty()) out.add_bytes(field::kLogSpanId, record.span_id);
  if (record.observed_time_unix_nano != 0) out.add_fixed64(field::kLogObservedTime, record.observed_time_unix_nano);
  add_text(out, field::kLogEventName, record.event_name);
}

void add_point(pbf_writer& out, const OtlpPoint& point) {
  if (point.start_time_unix_nano != 0) out.add_fixed64(field::kPointStart, point.start_time_unix_nano);
  out.add_fixed64(field::kPointTime, point.time_unix_nano);
  if (const auto* number = std::get_if<double>(&point.value)) out.add_double(field::kPointDouble, *number);
  if (const auto* number = std::get_if<std::int64_t>(&point.value)) out.add_sfixed64(field::kPointInt, *number);
  add_attributes(out, field::kPointAttributes, point.attributes);
}

void add_item(pbf_writer& out, const OtlpMetric& metric) {
  add_text(out, field::kMetricName, metric.name);
  add_text(out, field::kMetricDescription, metric.description);
  add_text(out, field::kMetricUnit, metric.unit);
  const bool sum = metric.kind == OtlpMetricKind::sum;
  if (!sum && metric.points.empty()) {
    out.add_message(field::kMetricGauge, "", 0);  // the writer below would leave an empty message out
    return;
  }
  pbf_writer data(out, sum ? field::kMetricSum : field::kMetricGauge);
  for (const OtlpPoint& point : metric.points) {
    pbf_writer item(data, field::kDataPoints);
    add_point(item, point);
  }
  if (!sum) return;
  data.add_enum(field::kTemporality, metric.cumulative ? field::kCumulative : field::kDelta);
  data.add_bool(field::kMonotonic, metric.monotonic);
}

template <class Item>
std::string encode(const OtlpResource<Item>& resource) {
  std::string data;
  pbf_writer out(data);
  {
    pbf_writer about(out, field::kResource);
    add_attributes(about, field::kResourceAttributes, resource.attributes);
  }
  for (const OtlpScope<Item>& scope : resource.scopes) {
    pbf_writer items(out, field::kScopeItems);
    if (!scope.name.empty() || !scope.version.empty()) {
      pbf_writer about(items, field::kScope);
      add_text(about, field::kScopeName, scope.name);
      add_text(about, field::kScopeVersion, scope.version);
    }
    for (const Item& item : scope.items) {
      pbf_writer message(items, field::kItems);
      add_item(message, item);
    }
  }
  add_text(out, field::kSchemaUrl, resource.schema_url);
  return data;
}

template <class Item>
std::string encode(const OtlpRequest<Item>& request) {
  std::string data;
  pbf_writer out(data);
  for (const auto& resource : request.resources) out.add_message(field::kRequestResource, encode(resource));
  return data;
}

}  // namespace

std::string encode_resource(const OtlpResourceLogs& logs) { return encode(logs); }
std::string encode_resource(const OtlpResourceMetrics& metrics) { return encode(metrics); }
std::string encode_request(const OtlpLogsRequest& request) { return encode(request); }
std::string encode_request(const OtlpMetricsRequest& request) { return encode(request); }

std::string encode_export_request(std::span<const std::string_view> resources) {
  std::string data;
  pbf_writer out(data);
  for (const std::string_view resource : resources)
    out.add_message(field::kRequestResource, resource.data(), resource.size());
  return data;
}

std::string encode_export_answer(const OtlpAnswer& answer) {
  std::string data;
  if (answer.rejected == 0 && answer.message.empty()) return data;
  pbf_writer out(data);
  pbf_writer partial(out, field::kPartialSuccess);
  if (answer.rejected != 0) partial.add_int64(field::kRejected, answer.rejected);
  add_text(partial, field::kErrorMessage, answer.message);
  return data;
}

std::string encode_rpc_status(const OtlpStatus& status) {
  std::string data;
  pbf_writer out(data);
  if (status.code != 0) out.add_int32(field::kStatusCode, status.code);
  add_text(out, field::kStatusMessage, status.message);
  return data;
}

}  // namespace hostmedic
