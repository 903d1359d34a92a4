// SPDX-License-Identifier: Apache-2.0
// The text format in which exporters show their series: OpenMetrics 1.0 and the older Prometheus text format 0.0.4,
// which it extends. Line by line, without copies. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

struct ExposedSample {
  std::string_view name;    // "http_requests_total"
  std::string_view labels;  // between the braces, as written; empty for none
  double value = 0;         // may be NaN or infinite, as the format allows
  bool counter = false;     // its family was declared a counter
};

class ExpositionReader {
 public:
  explicit ExpositionReader(std::string_view text) : rest_(text) {}
  // The next sample, or nullopt at the end. Lines that are not understood are passed over and counted.
  bool next(ExposedSample& ret_sample);
  std::size_t malformed() const { return malformed_; }

 private:
  bool take_type(std::string_view line);
  bool parse(std::string_view line, ExposedSample& ret_sample) const;

  std::string_view rest_;
  std::string_view family_;  // of the last TYPE line that said counter
  std::size_t malformed_ = 0;
};

// Labels as attributes of a series: "k=v,k=v" sorted by key, quotes undone, commas and equal signs in values replaced
// by ';' and ':'. Error malformed.
Result<std::string> labels_to_attributes(std::string_view labels);

}  // namespace hostmedic
