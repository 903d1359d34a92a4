// SPDX-License-Identifier: Apache-2.0
// Rows of measurements as comma-separated text: which columns are what, and one row's numbers. Pure; one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace hostmedic {

inline constexpr std::size_t kMostColumns = 4096;

struct CsvFault {
  std::size_t column = 0;  // byte of the line, from 1; 0: the line as a whole
  std::string message;
};

enum class TimeForm : std::uint8_t { none, iso, epoch };

// What the first lines of a file say about all of it.
struct CsvLayout {
  bool header = false;
  TimeForm time = TimeForm::none;  // of the first column
  std::string time_name;           // as in the header
  std::size_t columns = 0;
  std::vector<std::string> series;    // names; "series_1", ... without a header; printable
  std::vector<bool> is_series;        // by column
  std::vector<std::string> left_out;  // names of columns that hold labels
  std::optional<Duration> step;       // median distance in time of the first rows, where it is positive
};
// Of the first kLayoutRows rows and the header, so that later rows change nothing.
inline constexpr std::size_t kLayoutRows = 16;

struct CsvRow {
  std::string_view timestamp;  // as it stands in the line
  WallTime at{};
  std::vector<double> values;  // by series; NaN: unknown
};

// head: at least one line.
std::optional<CsvFault> recognise(std::span<const std::string> head, CsvLayout& ret_layout);
// A row after the header. No allocation when the row was used before and no cell is quoted.
std::optional<CsvFault> parse_row(std::string_view line, const CsvLayout& layout, CsvRow& ret_row);
// A cell as it must be written so that it is one: quoted where needed.
std::string csv_cell(std::string_view text);

}  // namespace hostmedic
