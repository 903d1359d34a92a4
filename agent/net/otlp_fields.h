// SPDX-License-Identifier: Apache-2.0
// Private to this folder: field numbers of opentelemetry-proto 1.x (common, resource, logs, metrics, collector).
#pragma once

#include <cstdint>

namespace hostmedic::otlp_field {

inline constexpr std::uint32_t kRequestResource = 1;  // ResourceLogs or ResourceMetrics

inline constexpr std::uint32_t kResource = 1, kScopeItems = 2, kSchemaUrl = 3;  // of ResourceLogs / ResourceMetrics
inline constexpr std::uint32_t kResourceAttributes = 1;
inline constexpr std::uint32_t kScope = 1, kItems = 2;  // of ScopeLogs / ScopeMetrics
inline constexpr std::uint32_t kScopeName = 1, kScopeVersion = 2;

inline constexpr std::uint32_t kKey = 1, kValue = 2;                                               // of KeyValue
inline constexpr std::uint32_t kStringValue = 1, kBoolValue = 2, kIntValue = 3, kDoubleValue = 4;  // of AnyValue
inline constexpr std::uint32_t kArrayValue = 5, kMapValue = 6, kBytesValue = 7;

inline constexpr std::uint32_t kLogTime = 1, kLogSeverityNumber = 2, kLogSeverityText = 3, kLogBody = 5;
inline constexpr std::uint32_t kLogAttributes = 6, kLogTraceId = 9, kLogSpanId = 10, kLogObservedTime = 11;
inline constexpr std::uint32_t kLogEventName = 12;

inline constexpr std::uint32_t kMetricName = 1, kMetricDescription = 2, kMetricUnit = 3, kMetricGauge = 5;
inline constexpr std::uint32_t kMetricSum = 7, kMetricHistogram = 9, kMetricExponential = 10, kMetricSummary = 11;
inline constexpr std::uint32_t kDataPoints = 1, kTemporality = 2, kMonotonic = 3;  // of Gauge and Sum
inline constexpr std::uint32_t kPointStart = 2, kPointTime = 3, kPointDouble = 4, kPointInt = 6, kPointAttributes = 7;
inline constexpr int kDelta = 1, kCumulative = 2;

inline constexpr std::uint32_t kPartialSuccess = 1, kRejected = 1, kErrorMessage = 2;
inline constexpr std::uint32_t kStatusCode = 1, kStatusMessage = 2;

}  // namespace hostmedic::otlp_field
