// SPDX-License-Identifier: Apache-2.0
// Whole files through the shipped statistical pipeline, row by row in their order: what `hostmedic score` does. One
// file is one group of series; its memory does not grow with its length. Blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/scorer.h"

namespace hostmedic {

// Assumed when neither the caller nor the file tells.
inline constexpr Duration kDefaultScoreInterval = std::chrono::minutes(1);

struct ScoreFile {
  std::string in;     // CSV, packed by gzip or not
  std::string train;  // comes before it in time and gives no rows; empty: none
  std::string out;    // written anew; removed when the input is at fault
};

struct ScoreSettings {
  detect::ScorerConfig scorer;       // interval is set per file
  std::optional<Duration> interval;  // between rows; else as the first rows' timestamps say
  bool per_series = false;
};

struct ScoreSummary {
  std::uint64_t rows = 0, trained = 0;
  std::size_t series = 0;
  Duration interval{};
  std::vector<std::string> left_out;  // columns
};

// Errors read "FILE:LINE:COLUMN: what was expected".
Result<ScoreSummary> score_file(const ScoreFile& file, const ScoreSettings& settings);
// Each by itself, so many at a time; what comes out does not depend on it. One result per file, in their order.
std::vector<Result<ScoreSummary>> score_files(std::span<const ScoreFile> files, const ScoreSettings& settings,
                                              unsigned jobs);

}  // namespace hostmedic
