// SPDX-License-Identifier: Apache-2.0
// Input: one byte that selects the decoder, then what it decodes.
//   0 logs  1 metrics  2 logs as JSON  3 metrics as JSON  4 answer  5 status  6 gzip  (modulo 7)
// What decodes must encode, and decode again to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/net/gzip.h"
#include "agent/net/otlp.h"
#include "agent/net/otlp_json.h"

using namespace hostmedic;

namespace {

// Encoding leaves empty things out, so the second round is compared with the first.
template <class Request, class Decode>
void check(const Request& request, const Decode& decode) {
  const std::string first = encode_request(request);
  const auto again = decode(first);
  if (!again || encode_request(*again) != first) std::abort();
}

}  // namespace

// Well-formed inputs for the mutators.
std::vector<std::string> hm_fuzz_seeds();
std::vector<std::string> hm_fuzz_seeds() {
  OtlpLogRecord record;
  record.time_unix_nano = 1;
  record.body = "body";
  record.event_name = "event";
  record.attributes = {{"s", std::string("v")}, {"i", std::int64_t{-1}}, {"d", 0.5}, {"b", true}};
  record.trace_id.assign(16, 't');
  const OtlpResourceLogs logs{record.attributes, "url", {{"scope", "1", {record}}}};
  OtlpMetric sum{"name", "text", "By", OtlpMetricKind::sum, true, true, {{record.attributes, 1, 2, std::int64_t{3}}}};
  OtlpMetric gauge{"name", "", "", OtlpMetricKind::gauge, false, true, {{{}, 0, 2, 0.5}}};
  const OtlpResourceMetrics metrics{{}, "", {{"scope", "1", {sum, gauge}}}};
  const std::string packed = gzip("some text some text").value_or("");
  return {
      std::string(1, 0) + encode_request(OtlpLogsRequest{{logs}, 0}),
      std::string(1, 1) + encode_request(OtlpMetricsRequest{{metrics}, 0}),
      std::string(1, 2) +
          R"({"resourceLogs":[{"resource":{"attributes":[{"key":"k","value":{"intValue":"1"}}]},"scopeLogs":[{"scope":)"
          R"({"name":"n"},"logRecords":[{"timeUnixNano":"1","severityNumber":9,"body":{"stringValue":"b"}}]}]}]})",
      std::string(1, 3) +
          R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asDouble":1}]}},)"
          R"({"name":"s","sum":{"aggregationTemporality":2,"dataPoints":[{"asInt":"1"}]}}]}]}]})",
      std::string(1, 4) + encode_export_answer({3, "rejected"}),
      std::string(1, 5) + encode_rpc_status({3, "refused"}),
      std::string(1, 6) + packed,
  };
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(static_cast<const char*>(static_cast<const void*>(data + 1)), size - 1);
  const auto logs = [](std::string_view text) { return decode_logs(text); };
  const auto metrics = [](std::string_view text) { return decode_metrics(text); };
  switch (data[0] % 7) {
    case 0:
      if (const auto request = decode_logs(input)) check(*request, logs);
      break;
    case 1:
      if (const auto request = decode_metrics(input)) check(*request, metrics);
      break;
    case 2:
      if (const auto request = decode_logs_json(input)) check(*request, logs);
      break;
    case 3:
      if (const auto request = decode_metrics_json(input)) check(*request, metrics);
      break;
    case 4:
      if (const auto answer = decode_export_answer(input))
        if (answer->rejected < 0 || !decode_export_answer(encode_export_answer(*answer))) std::abort();
      break;
    case 5:
      if (const auto status = decode_rpc_status(input))
        if (!decode_rpc_status(encode_rpc_status(*status))) std::abort();
      break;
    default:
      if (const auto text = gunzip(input, mib(1)))
        if (text->size() > mib(1).count) std::abort();
  }
  return 0;
}
