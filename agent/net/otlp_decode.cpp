// SPDX-License-Identifier: Apache-2.0
// Each reader switches over tag and wire type together: a known number with the wrong wire type is an unknown field and
// is skipped, as protobuf asks. Nested values are not descended into, so the depth is fixed.
#include <algorithm>
#include <protozero/pbf_reader.hpp>

#include "agent/net/otlp.h"
#include "agent/net/otlp_fields.h"

namespace hostmedic {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;
namespace field = otlp_field;

constexpr auto kVarint = pbf_wire_type::varint;
constexpr auto kFixed64 = pbf_wire_type::fixed64;
constexpr auto kLength = pbf_wire_type::length_delimited;

// Left through the reader to the entry point below, which turns it into an Error.
struct OverLimit {
  const char* what;
};

class Decoder {
 public:
  explicit Decoder(const OtlpLimits& limits) : limits_(limits) {}

  template <class Item>
  OtlpRequest<Item> request(pbf_reader in);

 private:
  std::string text(pbf_reader& in) {
    const auto view = in.get_view();
    if (view.size() > limits_.text_bytes) throw OverLimit{"a string is too long"};
    return {view.data(), view.size()};
  }
  std::string id(pbf_reader& in, std::size_t size) {
    const auto view = in.get_view();
    if (view.size() != size) return {};  // the specification: an id of another length is invalid, treat as absent
    return {view.data(), view.size()};
  }
  void count(std::size_t& counter, std::size_t most, const char* what) {
    if (++counter > most) throw OverLimit{what};
  }
  bool value(pbf_reader in, OtlpValue& out);
  void attribute(pbf_reader in, OtlpAttributes& out);
  void item(pbf_reader in, std::vector<OtlpLogRecord>& out);
  void item(pbf_reader in, std::vector<OtlpMetric>& out);
  void points(pbf_reader in, OtlpMetric& metric);
  OtlpPoint point(pbf_reader in);
  template <class Item>
  OtlpScope<Item> scope(pbf_reader in);
  template <class Item>
  OtlpResource<Item> resource(pbf_reader in);

  const OtlpLimits& limits_;
  std::size_t resources_ = 0, records_ = 0, all_attributes_ = 0;
  std::uint64_t not_kept_ = 0;
};

// False if the value is of a kind that is not kept, or absent.
bool Decoder::value(pbf_reader in, OtlpValue& out) {
  bool kept = false;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kStringValue, kLength): out = text(in); break;
      case tag_and_type(field::kBoolValue, kVarint): out = in.get_bool(); break;
      case tag_and_type(field::kIntValue, kVarint): out = in.get_int64(); break;
      case tag_and_type(field::kDoubleValue, kFixed64): out = in.get_double(); break;
      default: in.skip(); continue;
    }
    kept = true;
  }
  return kept;
}

void Decoder::attribute(pbf_reader in, OtlpAttributes& out) {
  OtlpAttribute attribute;
  bool kept = false;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kKey, kLength): attribute.key = text(in); break;
      case tag_and_type(field::kValue, kLength): kept = value(in.get_message(), attribute.value); break;
      default: in.skip();
    }
  }
  if (!kept) {
    ++not_kept_;
    return;
  }
  count(all_attributes_, limits_.all_attributes, "too many attributes");
  if (out.size() == limits_.attributes) throw OverLimit{"too many attributes"};
  out.push_back(std::move(attribute));
}

void Decoder::item(pbf_reader in, std::vector<OtlpLogRecord>& out) {
  count(records_, limits_.records, "too many log records");
  OtlpLogRecord record;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kLogTime, kFixed64): record.time_unix_nano = in.get_fixed64(); break;
      case tag_and_type(field::kLogObservedTime, kFixed64): record.observed_time_unix_nano = in.get_fixed64(); break;
      case tag_and_type(field::kLogSeverityNumber, kVarint): record.severity_number = in.get_enum(); break;
      case tag_and_type(field::kLogSeverityText, kLength): record.severity_text = text(in); break;
      case tag_and_type(field::kLogBody, kLength): {
        OtlpValue body;
        const bool kept = value(in.get_message(), body);
        auto* words = std::get_if<std::string>(&body);
        if (kept && words != nullptr)
          record.body = std::move(*words);
        else
          ++not_kept_;
        break;
      }
      case tag_and_type(field::kLogAttributes, kLength): attribute(in.get_message(), record.attributes); break;
      case tag_and_type(field::kLogTraceId, kLength): record.trace_id = id(in, 16); break;
      case tag_and_type(field::kLogSpanId, kLength): record.span_id = id(in, 8); break;
      case tag_and_type(field::kLogEventName, kLength): record.event_name = text(in); break;
      default: in.skip();
    }
  }
  out.push_back(std::move(record));
}

OtlpPoint Decoder::point(pbf_reader in) {
  count(records_, limits_.records, "too many data points");
  OtlpPoint point;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kPointStart, kFixed64): point.start_time_unix_nano = in.get_fixed64(); break;
      case tag_and_type(field::kPointTime, kFixed64): point.time_unix_nano = in.get_fixed64(); break;
      case tag_and_type(field::kPointDouble, kFixed64): point.value = in.get_double(); break;
      case tag_and_type(field::kPointInt, kFixed64): point.value = in.get_sfixed64(); break;
      case tag_and_type(field::kPointAttributes, kLength): attribute(in.get_message(), point.attributes); break;
      default: in.skip();
    }
  }
  return point;
}

void Decoder::points(pbf_reader in, OtlpMetric& metric) {
  metric.cumulative = false;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kDataPoints, kLength): metric.points.push_back(point(in.get_message())); break;
      case tag_and_type(field::kTemporality, kVarint): metric.cumulative = in.get_enum() == field::kCumulative; break;
      case tag_and_type(field::kMonotonic, kVarint): metric.monotonic = in.get_bool(); break;
      default: in.skip();
    }
  }
}

void Decoder::item(pbf_reader in, std::vector<OtlpMetric>& out) {
  count(records_, limits_.records, "too many metrics");
  OtlpMetric metric;
  bool kept = false;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kMetricName, kLength): metric.name = text(in); break;
      case tag_and_type(field::kMetricDescription, kLength): metric.description = text(in); break;
      case tag_and_type(field::kMetricUnit, kLength): metric.unit = text(in); break;
      case tag_and_type(field::kMetricGauge, kLength):
        metric.kind = OtlpMetricKind::gauge;
        points(in.get_message(), metric);
        metric.cumulative = true;  // says nothing about a gauge
        metric.monotonic = false;
        kept = true;
        break;
      case tag_and_type(field::kMetricSum, kLength):
        metric.kind = OtlpMetricKind::sum;
        points(in.get_message(), metric);
        kept = true;
        break;
      default: in.skip();
    }
  }
  if (kept)
    out.push_back(std::move(metric));
  else
    ++not_kept_;  // histograms and summaries
}

template <class Item>
OtlpScope<Item> Decoder::scope(pbf_reader in) {
  count(resources_, limits_.resources, "too many scopes");
  OtlpScope<Item> scope;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kScope, kLength): {
        pbf_reader about = in.get_message();
        while (about.next()) {
          switch (about.tag_and_type()) {
            case tag_and_type(field::kScopeName, kLength): scope.name = text(about); break;
            case tag_and_type(field::kScopeVersion, kLength): scope.version = text(about); break;
            default: about.skip();
          }
        }
        break;
      }
      case tag_and_type(field::kItems, kLength): item(in.get_message(), scope.items); break;
      default: in.skip();
    }
  }
  return scope;
}

template <class Item>
OtlpResource<Item> Decoder::resource(pbf_reader in) {
  count(resources_, limits_.resources, "too many resources");
  OtlpResource<Item> resource;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(field::kResource, kLength): {
        pbf_reader about = in.get_message();
        while (about.next()) {
          if (about.tag_and_type() == tag_and_type(field::kResourceAttributes, kLength))
            attribute(about.get_message(), resource.attributes);
          else
            about.skip();
        }
        break;
      }
      case tag_and_type(field::kScopeItems, kLength): resource.scopes.push_back(scope<Item>(in.get_message())); break;
      case tag_and_type(field::kSchemaUrl, kLength): resource.schema_url = text(in); break;
      default: in.skip();
    }
  }
  return resource;
}

template <class Item>
OtlpRequest<Item> Decoder::request(pbf_reader in) {
  OtlpRequest<Item> request;
  while (in.next()) {
    if (in.tag_and_type() == tag_and_type(field::kRequestResource, kLength))
      request.resources.push_back(resource<Item>(in.get_message()));
    else
      in.skip();
  }
  request.not_kept = not_kept_;
  return request;
}

// Runs a decoder and turns what it throws into an Error.
template <class T, class Decode>
Result<T> guarded(const char* what, const Decode& decode) {
  try {
    return decode();
  } catch (const protozero::exception& error) {
    return make_error(ErrorCode::malformed, std::string(what) + ": " + error.what());
  } catch (const OverLimit& over) {
    return make_error(ErrorCode::limit, std::string(what) + ": " + over.what);
  }
}

pbf_reader reader(std::string_view message) { return pbf_reader(message.data(), message.size()); }

constexpr std::size_t kAnswerText = 1024;

std::string short_text(pbf_reader& in) {
  const auto view = in.get_view();
  return {view.data(), std::min<std::size_t>(view.size(), kAnswerText)};
}

}  // namespace

const OtlpValue* find_attribute(const OtlpAttributes& attributes, std::string_view key) {
  for (const OtlpAttribute& attribute : attributes)
    if (attribute.key == key) return &attribute.value;
  return nullptr;
}

std::string_view attribute_text(const OtlpAttributes& attributes, std::string_view key) {
  const OtlpValue* value = find_attribute(attributes, key);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  if (text == nullptr) return {};
  return *text;
}

Result<OtlpLogsRequest> decode_logs(std::string_view message, const OtlpLimits& limits) {
  return guarded<OtlpLogsRequest>("OTLP logs", [&] { return Decoder(limits).request<OtlpLogRecord>(reader(message)); });
}

Result<OtlpMetricsRequest> decode_metrics(std::string_view message, const OtlpLimits& limits) {
  return guarded<OtlpMetricsRequest>("OTLP metrics",
                                     [&] { return Decoder(limits).request<OtlpMetric>(reader(message)); });
}

Result<OtlpAnswer> decode_export_answer(std::string_view message) {
  return guarded<OtlpAnswer>("OTLP answer", [&] {
    OtlpAnswer answer;
    for (pbf_reader in = reader(message); in.next();) {
      if (in.tag_and_type() != tag_and_type(field::kPartialSuccess, kLength)) {
        in.skip();
        continue;
      }
      for (pbf_reader partial = in.get_message(); partial.next();) {
        switch (partial.tag_and_type()) {
          case tag_and_type(field::kRejected, kVarint):
            answer.rejected = std::max<std::int64_t>(0, partial.get_int64());
            break;
          case tag_and_type(field::kErrorMessage, kLength): answer.message = short_text(partial); break;
          default: partial.skip();
        }
      }
    }
    return answer;
  });
}

Result<OtlpStatus> decode_rpc_status(std::string_view message) {
  return guarded<OtlpStatus>("OTLP status", [&] {
    OtlpStatus status;
    for (pbf_reader in = reader(message); in.next();) {
      switch (in.tag_and_type()) {
        case tag_and_type(field::kStatusCode, kVarint): status.code = in.get_int32(); break;
        case tag_and_type(field::kStatusMessage, kLength): status.message = short_text(in); break;
        default: in.skip();
      }
    }
    return status;
  });
}

}  // namespace hostmedic
