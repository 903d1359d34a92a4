// SPDX-License-Identifier: Apache-2.0
#include "agent/net/otlp.h"

#include <doctest/doctest.h>

#include <array>

#include "agent/net/otlp_json.h"

using namespace hostmedic;

namespace {

OtlpLogRecord incident() {
  OtlpLogRecord record;
  record.time_unix_nano = 1'790'000'000'123'456'789;
  record.observed_time_unix_nano = 1'790'000'001'000'000'000;
  record.severity_number = kOtlpError;
  record.severity_text = "ERROR";
  record.body = "nginx.service stopped";
  record.event_name = "hostmedic.incident.opened";
  record.attributes = {{"log.record.uid", std::string("01JD")},
                       {"hostmedic.incident.revision", std::int64_t{-3}},
                       {"hostmedic.confidence", 0.75},
                       {"hostmedic.dry_run", true}};
  record.trace_id = std::string("0123456789abcdef");
  record.span_id = std::string("\x00\x01\x02\x03\x04\x05\x06\xff", 8);
  return record;
}

OtlpResourceLogs logs() {
  return {{{"service.name", std::string("hostmedic")}, {"host.name", std::string("web-1")}},
          "https://example.org/schema/1",
          {{"hostmedic.respond", "0.1.0", {incident(), incident()}}}};
}

OtlpResourceMetrics metrics() {
  OtlpMetric gauge{"system.cpu.utilization", "share", "1", OtlpMetricKind::gauge, false, true, {}};
  gauge.points.push_back({{{"cpu.mode", std::string("user")}}, 0, 5'000'000'000, 0.25});
  gauge.points.push_back({{}, 0, 5'000'000'000, std::int64_t{7}});
  OtlpMetric sum{"hostmedic.actions", "", "{action}", OtlpMetricKind::sum, true, true, {}};
  sum.points.push_back({{}, 1'000'000'000, 5'000'000'000, std::int64_t{-2}});
  OtlpMetric delta = sum;
  delta.cumulative = delta.monotonic = false;
  return {{{"host.name", std::string("web-1")}}, "", {{"hostmedic", "", {gauge, sum, delta}}}};
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

}  // namespace

TEST_CASE("logs and metrics survive encoding and decoding") {
  const OtlpLogsRequest request{{logs(), logs()}, 0};
  const auto decoded = decode_logs(encode_request(request));
  REQUIRE(decoded);
  CHECK(decoded->resources == request.resources);
  CHECK(decoded->not_kept == 0);
  const OtlpMetricsRequest numbers{{metrics()}, 0};
  const auto again = decode_metrics(encode_request(numbers));
  REQUIRE(again);
  CHECK(again->resources == numbers.resources);
}

TEST_CASE("a request made of spooled resources equals one encoded at once") {
  const std::string one = encode_resource(logs());
  const std::array<std::string_view, 2> both = {one, one};
  CHECK(encode_export_request(both) == encode_request(OtlpLogsRequest{{logs(), logs()}, 0}));
}

TEST_CASE("golden bytes: the wire form is that of opentelemetry-proto") {
  OtlpLogRecord record;
  record.time_unix_nano = 0x0102030405060708;
  record.severity_number = 17;
  record.body = "hi";
  record.event_name = "e";
  record.attributes = {{"k", std::int64_t{300}}};
  const OtlpResourceLogs one{{}, "", {{"", "", {record}}}};
  const std::string expected = bytes({0x09, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01}) +       // 1: time
                               bytes({0x10, 0x11}) +                                                 // 2: severity
                               bytes({0x2a, 0x04, 0x0a, 0x02, 'h', 'i'}) +                           // 5: body
                               bytes({0x32, 0x08, 0x0a, 0x01, 'k', 0x12, 0x03, 0x18, 0xac, 0x02}) +  // 6: attribute
                               bytes({0x62, 0x01, 'e'});                                             // 12: event name
  REQUIRE(expected.size() == 30);
  // Request, resource logs, scope logs, record.
  CHECK(encode_request(OtlpLogsRequest{{one}, 0}) == bytes({0x0a, 34, 0x12, 32, 0x12, 30}) + expected);

  OtlpMetric metric{"m", "", "", OtlpMetricKind::sum, true, true, {{{}, 1, 2, std::int64_t{3}}}};
  const std::string point = bytes({0x3a, 0x1f, 0x0a, 0x1b}) +        // 7: sum, data point
                            bytes({0x11, 1, 0, 0, 0, 0, 0, 0, 0}) +  // 2: start
                            bytes({0x19, 2, 0, 0, 0, 0, 0, 0, 0}) +  // 3: time
                            bytes({0x31, 3, 0, 0, 0, 0, 0, 0, 0}) +  // 6: sfixed64 value
                            bytes({0x10, 0x02, 0x18, 0x01});         // cumulative, monotonic
  std::string sum = point;
  sum[1] = 2 + 27 + 4;
  const std::string message = bytes({0x0a, 0x01, 'm'}) + sum;
  const std::string scope = bytes({0x12, static_cast<int>(message.size())}) + message;
  const OtlpResourceMetrics numbers{{}, "", {{"", "", {metric}}}};
  CHECK(encode_resource(numbers) == bytes({0x12, static_cast<int>(scope.size())}) + scope);
}

TEST_CASE("every truncation is an error or a shorter message, never more records") {
  const std::string whole = encode_request(OtlpLogsRequest{{logs()}, 0});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(decode_logs(std::string_view(whole).substr(0, size)).error().code == ErrorCode::malformed);
  }
  CHECK(decode_logs("").value_or({}).resources.empty());
}

TEST_CASE("unknown fields, known fields of a wrong type and unkept values are skipped") {
  std::string record = bytes({0x0a, 0x01, 'x'});               // 1 as text instead of fixed64
  record += bytes({0xfa, 0x07, 0x02, 'a', 'b'});               // field 127
  record += bytes({0x10, 0x0d});                               // severity 13
  record += bytes({0x2a, 0x02, 0x32, 0x00});                   // body is a map
  record += bytes({0x32, 0x05, 0x0a, 0x01, 'k', 0x12, 0x00});  // attribute without a value
  record += bytes({0x4a, 0x02, 'i', 'd'});                     // trace id of a wrong length
  const std::string scope = bytes({0x12, static_cast<int>(record.size())}) + record;
  const std::string resource = bytes({0x12, static_cast<int>(scope.size())}) + scope;
  const auto decoded = decode_logs(bytes({0x0a, static_cast<int>(resource.size())}) + resource);
  REQUIRE(decoded);
  REQUIRE(decoded->resources.size() == 1);
  const auto& item = decoded->resources[0].scopes.at(0).items.at(0);
  CHECK(item.severity_number == 13);
  CHECK(item.time_unix_nano == 0);
  CHECK(item.body.empty());
  CHECK(item.attributes.empty());
  CHECK(item.trace_id.empty());
  CHECK(decoded->not_kept == 2);
}

TEST_CASE("every bound of decoding is an error of code limit") {
  const std::string message = encode_request(OtlpLogsRequest{{logs(), logs()}, 0});
  OtlpLimits limits;
  limits.records = 3;
  CHECK(decode_logs(message, limits).error().code == ErrorCode::limit);
  limits.records = 4;
  CHECK(decode_logs(message, limits));
  limits.attributes = 3;
  CHECK(decode_logs(message, limits).error().code == ErrorCode::limit);
  limits = {};
  limits.text_bytes = 20;
  CHECK(decode_logs(message, limits).error().code == ErrorCode::limit);
  limits = {};
  limits.resources = 3;  // two resources with a scope each
  CHECK(decode_logs(message, limits).error().code == ErrorCode::limit);
  limits = {};
  limits.all_attributes = 19;
  CHECK(decode_logs(message, limits).error().code == ErrorCode::limit);
  const std::string numbers = encode_request(OtlpMetricsRequest{{metrics()}, 0});
  limits = {};
  limits.records = 6;  // three metrics and four points
  CHECK(decode_metrics(numbers, limits).error().code == ErrorCode::limit);
  limits.records = 7;
  CHECK(decode_metrics(numbers, limits));
}

TEST_CASE("answers: nothing and an empty partial success are full success") {
  for (const std::string& message : {std::string(), bytes({0x0a, 0x00})}) {
    const auto answer = decode_export_answer(message);
    REQUIRE(answer);
    CHECK(answer->rejected == 0);
    CHECK(answer->message.empty());
  }
  CHECK(encode_export_answer({}).empty());
  const auto answer = decode_export_answer(encode_export_answer({3, "too old"}));
  REQUIRE(answer);
  CHECK(answer->rejected == 3);
  CHECK(answer->message == "too old");
  CHECK(encode_export_answer({3, "no"}) == bytes({0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, 'n', 'o'}));
  CHECK(decode_export_answer(encode_export_answer({-5, ""})).value_or({9, ""}).rejected == 0);
  CHECK(decode_export_answer(bytes({0x0a, 0x7f})).error().code == ErrorCode::malformed);
  const auto status = decode_rpc_status(encode_rpc_status({3, "bad request"}));
  REQUIRE(status);
  CHECK(status->code == 3);
  CHECK(status->message == "bad request");
  CHECK(decode_rpc_status("garbage!").error().code == ErrorCode::malformed);
}

TEST_CASE("attributes are found by key") {
  const OtlpLogRecord record = incident();
  CHECK(attribute_text(record.attributes, "log.record.uid") == "01JD");
  CHECK(attribute_text(record.attributes, "hostmedic.confidence").empty());
  REQUIRE(find_attribute(record.attributes, "hostmedic.confidence") != nullptr);
  CHECK(std::get<double>(*find_attribute(record.attributes, "hostmedic.confidence")) == 0.75);
  CHECK(find_attribute(record.attributes, "missing") == nullptr);
}

TEST_CASE("JSON logs: numbers as text or number, hex ids, unknown keys ignored") {
  const auto decoded = decode_logs_json(R"({"resourceLogs":[{"resource":{"attributes":[
    {"key":"host.name","value":{"stringValue":"web-1"}},{"key":"list","value":{"arrayValue":{"values":[]}}}]},
    "schemaUrl":"s","scopeLogs":[{"scope":{"name":"n","version":"v"},"logRecords":[
    {"timeUnixNano":"1790000000123456789","observedTimeUnixNano":1790000001000000000,"severityNumber":17,
     "severityText":"ERROR","body":{"stringValue":"nginx.service stopped"},"eventName":"e","new":[1,{"a":2}],
     "traceId":"30313233343536373839616263646566","spanId":null,
     "attributes":[{"key":"i","value":{"intValue":"-3"}},{"key":"j","value":{"intValue":4}},
                   {"key":"d","value":{"doubleValue":1}},{"key":"b","value":{"boolValue":true}}]}]}]}]})");
  REQUIRE(decoded);
  const auto& resource = decoded->resources.at(0);
  CHECK(resource.attributes == OtlpAttributes{{"host.name", std::string("web-1")}});
  CHECK(decoded->not_kept == 1);
  const auto& record = resource.scopes.at(0).items.at(0);
  CHECK(record.time_unix_nano == 1'790'000'000'123'456'789);
  CHECK(record.observed_time_unix_nano == 1'790'000'001'000'000'000);
  CHECK(record.severity_number == 17);
  CHECK(record.body == "nginx.service stopped");
  CHECK(record.event_name == "e");
  CHECK(record.trace_id == "0123456789abcdef");
  CHECK(record.attributes == OtlpAttributes{{"i", std::int64_t{-3}}, {"j", std::int64_t{4}}, {"d", 1.0}, {"b", true}});
}

TEST_CASE("JSON metrics: gauges, sums, and kinds that are not kept") {
  const auto decoded = decode_metrics_json(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[
    {"name":"g","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"5","asDouble":0.25},{"asInt":"7"}]}},
    {"name":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":1,"asInt":3}]}},
    {"name":"h","histogram":{"dataPoints":[]}}]}]}]})");
  REQUIRE(decoded);
  const auto& items = decoded->resources.at(0).scopes.at(0).items;
  REQUIRE(items.size() == 2);
  CHECK(items[0].points.at(0).value == std::variant<std::int64_t, double>(0.25));
  CHECK(items[0].points.at(1).value == std::variant<std::int64_t, double>(std::int64_t{7}));
  CHECK(items[1].kind == OtlpMetricKind::sum);
  CHECK(items[1].cumulative);
  CHECK(items[1].monotonic);
  CHECK(decoded->not_kept == 1);
}

TEST_CASE("JSON of a wrong shape is malformed, and bounds hold") {
  for (const char* text :
       {"", "[]", "{", "{\"resourceLogs\":{}}", "{\"resourceLogs\":[1]}", "{\"resourceLogs\":[]} x",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"12x"}]}]}]})",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":-1}]}]}]})",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1.5}]}]}]})",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"plain"}]}]}]})",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"zz313233343536373839616263646566"}]}]}]})"}) {
    CAPTURE(text);
    CHECK(decode_logs_json(text).error().code == ErrorCode::malformed);
  }
  CHECK(!decode_logs_json(std::string(100000, '[')));
  OtlpLimits limits;
  limits.records = 1;
  CHECK(decode_logs_json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]})", limits).error().code ==
        ErrorCode::limit);
  CHECK(decode_logs_json("{}").value_or({{{}}, 0}).resources.empty());
}

TEST_CASE("JSON answers") {
  CHECK(encode_answer_json({}, "rejectedLogRecords") == "{}");
  CHECK(encode_answer_json({2, "a\"b"}, "rejectedLogRecords") ==
        R"({"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"a\"b"}})");
  CHECK(encode_status_json({3, "bad"}) == R"({"code":3,"message":"bad"})");
}
