// SPDX-License-Identifier: Apache-2.0
// The JSON form of OTLP, for receivers: lowerCamelCase keys, 64-bit integers as text or numbers, enumerations as
// integers, ids as hex, unknown keys ignored. Same values, limits and errors as agent/net/otlp.h. Pure; any thread.
#pragma once

#include "agent/net/otlp.h"

namespace hostmedic {

Result<OtlpLogsRequest> decode_logs_json(std::string_view text, const OtlpLimits& limits = {});
Result<OtlpMetricsRequest> decode_metrics_json(std::string_view text, const OtlpLimits& limits = {});

// rejected_key: "rejectedLogRecords" or "rejectedDataPoints".
std::string encode_answer_json(const OtlpAnswer& answer, std::string_view rejected_key);
std::string encode_status_json(const OtlpStatus& status);

}  // namespace hostmedic
