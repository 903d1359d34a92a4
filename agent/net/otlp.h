// SPDX-License-Identifier: Apache-2.0
// OTLP logs and metrics (opentelemetry-proto 1.x) as plain values, and their binary protobuf form. Covers what
// Hostmedic sends and shows: string, integer, float and boolean attributes, log records, gauges and sums. Pure; any
// thread. Decoding bounds everything, ignores unknown fields, and counts what it knows but does not keep. Decoded text
// is as the sender wrote it: make it printable before it is shown.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"

namespace hostmedic {

using OtlpValue = std::variant<std::string, std::int64_t, double, bool>;

struct OtlpAttribute {
  std::string key;
  OtlpValue value;
  bool operator==(const OtlpAttribute&) const = default;
};
using OtlpAttributes = std::vector<OtlpAttribute>;

// Null if there is none.
const OtlpValue* find_attribute(const OtlpAttributes& attributes, std::string_view key);
// Empty if there is none or it is no string.
std::string_view attribute_text(const OtlpAttributes& attributes, std::string_view key);

// Severity numbers of the data model that Hostmedic uses.
inline constexpr int kOtlpInfo = 9, kOtlpWarning = 13, kOtlpError = 17, kOtlpFatal = 21;

struct OtlpLogRecord {
  std::uint64_t time_unix_nano = 0;  // 0: unknown
  std::uint64_t observed_time_unix_nano = 0;
  int severity_number = 0;  // 1-24; 0: not given
  std::string severity_text;
  std::string body;  // string bodies only
  std::string event_name;
  OtlpAttributes attributes;
  std::string trace_id;  // empty or 16 raw bytes
  std::string span_id;   // empty or 8 raw bytes
  bool operator==(const OtlpLogRecord&) const = default;
};

struct OtlpPoint {
  OtlpAttributes attributes;
  std::uint64_t start_time_unix_nano = 0;  // of a sum
  std::uint64_t time_unix_nano = 0;
  std::variant<std::int64_t, double> value = 0.0;
  bool operator==(const OtlpPoint&) const = default;
};

enum class OtlpMetricKind : std::uint8_t { gauge, sum };
struct OtlpMetric {
  std::string name, description, unit;
  OtlpMetricKind kind = OtlpMetricKind::gauge;
  bool monotonic = false;  // of a sum
  bool cumulative = true;  // of a sum; false: delta
  std::vector<OtlpPoint> points;
  bool operator==(const OtlpMetric&) const = default;
};

template <class Item>
struct OtlpScope {
  std::string name, version;
  std::vector<Item> items;
  bool operator==(const OtlpScope&) const = default;
};
template <class Item>
struct OtlpResource {
  OtlpAttributes attributes;
  std::string schema_url;
  std::vector<OtlpScope<Item>> scopes;
  bool operator==(const OtlpResource&) const = default;
};
using OtlpResourceLogs = OtlpResource<OtlpLogRecord>;
using OtlpResourceMetrics = OtlpResource<OtlpMetric>;

template <class Item>
struct OtlpRequest {
  std::vector<OtlpResource<Item>> resources;
  std::uint64_t not_kept = 0;  // attributes, bodies, metrics and points of kinds that are not kept
};
using OtlpLogsRequest = OtlpRequest<OtlpLogRecord>;
using OtlpMetricsRequest = OtlpRequest<OtlpMetric>;

// One ResourceLogs / ResourceMetrics message: what the spool keeps.
std::string encode_resource(const OtlpResourceLogs& logs);
std::string encode_resource(const OtlpResourceMetrics& metrics);
// An export request made of already encoded resources. Logs and metrics look alike here: repeated field 1.
std::string encode_export_request(std::span<const std::string_view> resources);
std::string encode_request(const OtlpLogsRequest& request);
std::string encode_request(const OtlpMetricsRequest& request);

struct OtlpLimits {
  std::size_t resources = 1000;  // also scopes, all together
  std::size_t records = 10000;   // log records or data points, all together; metrics likewise
  std::size_t attributes = 128;  // of one thing
  std::size_t all_attributes = 100000;
  std::size_t text_bytes = 65536;  // of one string
};
// Errors: malformed, or limit when a bound is crossed.
Result<OtlpLogsRequest> decode_logs(std::string_view message, const OtlpLimits& limits = {});
Result<OtlpMetricsRequest> decode_metrics(std::string_view message, const OtlpLimits& limits = {});

// The answer to an export. Full success is rejected == 0 with an empty message.
struct OtlpAnswer {
  std::int64_t rejected = 0;
  std::string message;
};
// The binary forms for logs and metrics are the same.
std::string encode_export_answer(const OtlpAnswer& answer);
// An empty text is full success, and so is a present but empty partial_success.
Result<OtlpAnswer> decode_export_answer(std::string_view message);

// google.rpc.Status, the body of a refusal.
struct OtlpStatus {
  int code = 0;
  std::string message;
};
std::string encode_rpc_status(const OtlpStatus& status);
Result<OtlpStatus> decode_rpc_status(std::string_view message);

}  // namespace hostmedic
