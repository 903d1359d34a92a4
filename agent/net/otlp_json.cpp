// SPDX-License-Identifier: Apache-2.0
#include "agent/net/otlp_json.h"

#include <boost/json.hpp>
#include <limits>
#include <optional>

#include "agent/base/parse.h"
#include "agent/net/otlp_fields.h"

namespace hostmedic {
namespace {

namespace json = boost::json;

// Left through the reader to the entry point, which turns it into an Error.
struct Refused {
  ErrorCode code;
  std::string what;
};

[[noreturn]] void wrong(std::string_view key, const char* expected) {
  throw Refused{ErrorCode::malformed, "'" + std::string(key) + "' is not " + expected};
}

// Null is as good as absent.
const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return nullptr;
  return value;
}

const json::object* object_of(const json::object& parent, std::string_view key) {
  const json::value* value = member(parent, key);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) wrong(key, "an object");
  return &value->get_object();
}

template <class T>
T integer_of(const json::value& value, std::string_view key) {
  if (value.is_int64() && (std::is_signed_v<T> || value.get_int64() >= 0)) return static_cast<T>(value.get_int64());
  if constexpr (std::is_unsigned_v<T>)
    if (value.is_uint64()) return value.get_uint64();
  if (value.is_string()) {
    const std::string_view text(value.get_string().data(), value.get_string().size());
    if constexpr (std::is_unsigned_v<T>) {
      if (auto number = parse_u64(text)) return *number;
    } else {
      if (auto number = parse_i64(text)) return *number;
    }
  }
  wrong(key, "a 64-bit integer");
}

template <class T>
T integer_of(const json::object& parent, std::string_view key) {
  const json::value* value = member(parent, key);
  if (value == nullptr) return 0;
  return integer_of<T>(*value, key);
}

double number_of(const json::value& value, std::string_view key) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_string()) {
    const auto& text = value.get_string();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (auto number = parse_double({text.data(), text.size()})) return *number;
  }
  wrong(key, "a number");
}

bool flag_of(const json::object& parent, std::string_view key) {
  const json::value* value = member(parent, key);
  if (value == nullptr) return false;
  if (!value->is_bool()) wrong(key, "true or false");
  return value->get_bool();
}

class Decoder {
 public:
  explicit Decoder(const OtlpLimits& limits) : limits_(limits) {}

  template <class Item>
  OtlpRequest<Item> request(const json::value& root, const char* resources, const char* scopes, const char* items);

 private:
  void count(std::size_t& counter, std::size_t most, const char* what) {
    if (++counter > most) throw Refused{ErrorCode::limit, what};
  }
  std::string text(const json::value& value, std::string_view key) {
    if (!value.is_string()) wrong(key, "a string");
    const auto& words = value.get_string();
    if (words.size() > limits_.text_bytes) throw Refused{ErrorCode::limit, "a string is too long"};
    return {words.data(), words.size()};
  }
  std::string text(const json::object& parent, std::string_view key) {
    const json::value* value = member(parent, key);
    if (value == nullptr) return {};
    return text(*value, key);
  }
  std::string id(const json::object& parent, std::string_view key, std::size_t size);
  template <class Visit>
  void each(const json::object& parent, std::string_view key, const Visit& visit) {
    const json::value* list = member(parent, key);
    if (list == nullptr) return;
    if (!list->is_array()) wrong(key, "a list");
    for (const json::value& entry : list->get_array()) {
      if (!entry.is_object()) wrong(key, "a list of objects");
      visit(entry.get_object());
    }
  }
  std::optional<OtlpValue> value(const json::object& any);
  OtlpAttributes attributes(const json::object& parent);
  void item(const json::object& in, std::vector<OtlpLogRecord>& out);
  void item(const json::object& in, std::vector<OtlpMetric>& out);
  void points(const json::object& data, OtlpMetric& metric);

  const OtlpLimits& limits_;
  std::size_t resources_ = 0, records_ = 0, all_attributes_ = 0;
  std::uint64_t not_kept_ = 0;
};

// Empty if it has another length, which makes it invalid by the specification.
std::string Decoder::id(const json::object& parent, std::string_view key, std::size_t size) {
  const std::string digits = text(parent, key);
  if (digits.size() != size * 2) return {};
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    auto byte = parse_u64(std::string_view(digits).substr(i, 2), 16);
    if (!byte) wrong(key, "hexadecimal");
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

std::optional<OtlpValue> Decoder::value(const json::object& any) {
  if (const auto* v = member(any, "stringValue")) return text(*v, "stringValue");
  if (const auto* v = member(any, "intValue")) return integer_of<std::int64_t>(*v, "intValue");
  if (const auto* v = member(any, "doubleValue")) return number_of(*v, "doubleValue");
  if (member(any, "boolValue") != nullptr) return flag_of(any, "boolValue");
  return std::nullopt;
}

OtlpAttributes Decoder::attributes(const json::object& parent) {
  OtlpAttributes out;
  each(parent, "attributes", [&](const json::object& pair) {
    const json::object* any = object_of(pair, "value");
    std::optional<OtlpValue> kept;
    if (any != nullptr) kept = value(*any);
    if (!kept) {
      ++not_kept_;
      return;
    }
    count(all_attributes_, limits_.all_attributes, "too many attributes");
    if (out.size() == limits_.attributes) throw Refused{ErrorCode::limit, "too many attributes"};
    out.push_back({text(pair, "key"), std::move(*kept)});
  });
  return out;
}

void Decoder::item(const json::object& in, std::vector<OtlpLogRecord>& out) {
  count(records_, limits_.records, "too many log records");
  OtlpLogRecord record;
  record.time_unix_nano = integer_of<std::uint64_t>(in, "timeUnixNano");
  record.observed_time_unix_nano = integer_of<std::uint64_t>(in, "observedTimeUnixNano");
  const auto severity = integer_of<std::int64_t>(in, "severityNumber");
  if (severity >= 0 && severity <= 24) record.severity_number = static_cast<int>(severity);
  record.severity_text = text(in, "severityText");
  record.event_name = text(in, "eventName");
  record.trace_id = id(in, "traceId", 16);
  record.span_id = id(in, "spanId", 8);
  if (const json::object* any = object_of(in, "body")) {
    auto body = value(*any);
    if (body && std::holds_alternative<std::string>(*body))
      record.body = std::get<std::string>(std::move(*body));
    else
      ++not_kept_;
  }
  record.attributes = attributes(in);
  out.push_back(std::move(record));
}

void Decoder::points(const json::object& data, OtlpMetric& metric) {
  each(data, "dataPoints", [&](const json::object& in) {
    count(records_, limits_.records, "too many data points");
    OtlpPoint point;
    point.start_time_unix_nano = integer_of<std::uint64_t>(in, "startTimeUnixNano");
    point.time_unix_nano = integer_of<std::uint64_t>(in, "timeUnixNano");
    if (const auto* number = member(in, "asDouble")) point.value = number_of(*number, "asDouble");
    if (const auto* number = member(in, "asInt")) point.value = integer_of<std::int64_t>(*number, "asInt");
    point.attributes = attributes(in);
    metric.points.push_back(std::move(point));
  });
}

void Decoder::item(const json::object& in, std::vector<OtlpMetric>& out) {
  count(records_, limits_.records, "too many metrics");
  OtlpMetric metric;
  metric.name = text(in, "name");
  metric.description = text(in, "description");
  metric.unit = text(in, "unit");
  if (const json::object* gauge = object_of(in, "gauge")) {
    points(*gauge, metric);
  } else if (const json::object* sum = object_of(in, "sum")) {
    metric.kind = OtlpMetricKind::sum;
    metric.cumulative = integer_of<std::int64_t>(*sum, "aggregationTemporality") == otlp_field::kCumulative;
    metric.monotonic = flag_of(*sum, "isMonotonic");
    points(*sum, metric);
  } else {
    ++not_kept_;  // histograms and summaries
    return;
  }
  out.push_back(std::move(metric));
}

template <class Item>
OtlpRequest<Item> Decoder::request(const json::value& root, const char* resources, const char* scopes,
                                   const char* items) {
  if (!root.is_object()) throw Refused{ErrorCode::malformed, "not a JSON object"};
  OtlpRequest<Item> request;
  each(root.get_object(), resources, [&](const json::object& in) {
    count(resources_, limits_.resources, "too many resources");
    OtlpResource<Item> resource;
    if (const json::object* about = object_of(in, "resource")) resource.attributes = attributes(*about);
    resource.schema_url = text(in, "schemaUrl");
    each(in, scopes, [&](const json::object& scope_in) {
      count(resources_, limits_.resources, "too many scopes");
      OtlpScope<Item> scope;
      if (const json::object* about = object_of(scope_in, "scope")) {
        scope.name = text(*about, "name");
        scope.version = text(*about, "version");
      }
      each(scope_in, items, [&](const json::object& entry) { item(entry, scope.items); });
      resource.scopes.push_back(std::move(scope));
    });
    request.resources.push_back(std::move(resource));
  });
  request.not_kept = not_kept_;
  return request;
}

template <class Item>
Result<OtlpRequest<Item>> decode(const char* what, std::string_view text, const OtlpLimits& limits,
                                 const char* resources, const char* scopes, const char* items) {
  try {
    json::monotonic_resource memory;
    json::error_code error;
    // The parser's own depth limit (32) is far above what the format needs.
    const json::value root = json::parse({text.data(), text.size()}, error, &memory);
    if (error) return make_error(ErrorCode::malformed, std::string(what) + ": " + error.message());
    return Decoder(limits).request<Item>(root, resources, scopes, items);
  } catch (const Refused& refused) {
    return make_error(refused.code, std::string(what) + ": " + refused.what);
  }
}

}  // namespace

Result<OtlpLogsRequest> decode_logs_json(std::string_view text, const OtlpLimits& limits) {
  return decode<OtlpLogRecord>("OTLP logs", text, limits, "resourceLogs", "scopeLogs", "logRecords");
}

Result<OtlpMetricsRequest> decode_metrics_json(std::string_view text, const OtlpLimits& limits) {
  return decode<OtlpMetric>("OTLP metrics", text, limits, "resourceMetrics", "scopeMetrics", "metrics");
}

std::string encode_answer_json(const OtlpAnswer& answer, std::string_view rejected_key) {
  json::object out;
  if (answer.rejected != 0 || !answer.message.empty()) {
    json::object partial;
    if (answer.rejected != 0) partial[rejected_key] = std::to_string(answer.rejected);
    if (!answer.message.empty()) partial["errorMessage"] = answer.message;
    out["partialSuccess"] = std::move(partial);
  }
  return json::serialize(out);
}

std::string encode_status_json(const OtlpStatus& status) {
  json::object out;
  out["code"] = status.code;
  out["message"] = status.message;
  return json::serialize(out);
}

}  // namespace hostmedic
