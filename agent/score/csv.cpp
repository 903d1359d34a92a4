// SPDX-License-Identifier: Apache-2.0
#include "agent/score/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "agent/base/text.h"
#include "agent/score/timestamp.h"

namespace hostmedic {
namespace {

constexpr std::array<std::string_view, 6> kTimeNames = {"timestamp", "time", "datetime", "date", "ts", "@timestamp"};
constexpr std::array<std::string_view, 4> kLabelNames = {"label", "is_anomaly", "anomaly", "labels"};
constexpr std::array<std::string_view, 7> kUnknown = {"", "NA", "N/A", "null", "NULL", "None", "-"};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Walks the cells of a line.
class Cells {
 public:
  explicit Cells(std::string_view line) : line_(line) {}

  bool at_end() const { return at_ > line_.size(); }
  std::size_t column() const { return begin_ + 1; }  // of the last cell
  bool fault() const { return fault_; }              // its quotes do not fit
  // Without the quotes; valid until the next call, and as long as the line where there are none.
  std::string_view next() {
    begin_ = at_;
    std::size_t first = at_;
    while (first < line_.size() && line_[first] == ' ') ++first;
    if (first < line_.size() && line_[first] == '"') return quoted(first + 1);
    const std::size_t end = std::min(line_.find(',', at_), line_.size());
    at_ = end + 1;
    return trimmed(line_.substr(begin_, end - begin_));
  }

 private:
  std::string_view quoted(std::size_t first) {
    std::size_t end = first;
    bool doubled = false;
    while (end < line_.size() && (line_[end] != '"' || line_.substr(end).starts_with("\"\""))) {
      doubled = doubled || line_[end] == '"';
      end += line_[end] == '"' ? 2 : 1;
    }
    const std::size_t comma = std::min(line_.find(',', end), line_.size());
    fault_ = fault_ || end >= line_.size() || !trimmed(line_.substr(end + 1, comma - end - 1)).empty();
    at_ = comma + 1;
    const std::string_view inner = line_.substr(first, std::min(end, line_.size()) - first);
    if (!doubled) return inner;
    text_.clear();
    for (std::size_t i = 0; i < inner.size(); ++i) {
      text_ += inner[i];
      if (inner[i] == '"') ++i;
    }
    return text_;
  }

  std::string_view line_;
  std::size_t at_ = 0, begin_ = 0;
  bool fault_ = false;
  std::string text_;
};

// Empty for what is no number; NaN for what says that there is none.
std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  if (std::ranges::find(kUnknown, text) != kUnknown.end()) return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::find(names, lower) != names.end();
}

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  for (Cells walk(line); !walk.at_end() && cells.size() <= kMostColumns;) cells.emplace_back(walk.next());
  return cells;
}

bool is_header(const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (!number_of(cells[i]) && (i > 0 || !parse_iso_time(cells[i]))) return true;
  return false;
}

std::vector<WallTime> times_of(std::span<const std::string> first_cells, TimeForm form) {
  std::vector<WallTime> times;
  for (const std::string& cell : first_cells) {
    const auto time = form == TimeForm::iso ? parse_iso_time(cell) : parse_epoch_time(cell);
    if (time) times.push_back(*time);
  }
  return times;
}

// A column is the time when its header says so or when it looks like nothing else: a date, or, without a name,
// whole seconds since 1970 of this century that only grow.
TimeForm time_form(std::string_view name, std::span<const std::string> first_cells) {
  if (first_cells.empty()) return is_one_of(name, kTimeNames) ? TimeForm::iso : TimeForm::none;
  if (times_of(first_cells, TimeForm::iso).size() == first_cells.size()) return TimeForm::iso;
  const std::vector<WallTime> times = times_of(first_cells, TimeForm::epoch);
  if (is_one_of(name, kTimeNames)) return times.size() == first_cells.size() ? TimeForm::epoch : TimeForm::iso;
  const bool whole = std::ranges::all_of(
      first_cells, [](const std::string& cell) { return cell.find_first_not_of("0123456789") == std::string::npos; });
  const WallTime century = wall_from_ns(946'684'800'000'000'000), end = wall_from_ns(4'102'444'800'000'000'000);
  if (!name.empty() || !whole || times.size() != first_cells.size() || times.size() < 2) return TimeForm::none;
  const bool grows = std::ranges::adjacent_find(times, std::greater_equal<>()) == times.end();
  return grows && times.front() >= century && times.back() < end ? TimeForm::epoch : TimeForm::none;
}

std::optional<Duration> median_step(std::span<const WallTime> times) {
  std::vector<Duration> steps;
  for (std::size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  if (steps.empty()) return std::nullopt;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle > Duration{} ? std::optional(*middle) : std::nullopt;
}

void name_columns(const std::vector<std::string>& names, CsvLayout& ret_layout) {
  CsvLayout& layout = ret_layout;
  layout.is_series.assign(layout.columns, true);
  for (std::size_t i = 0; i < layout.columns; ++i) {
    const std::string name = layout.header ? printable(names[i], 256) : std::string();
    if (i == 0 && layout.time != TimeForm::none) {
      layout.time_name = name;
      layout.is_series[i] = false;
    } else if (layout.header && is_one_of(name, kLabelNames)) {
      layout.left_out.push_back(name);
      layout.is_series[i] = false;
    } else {
      layout.series.push_back(name.empty() ? strf("series_%zu", layout.series.size() + 1) : name);
    }
  }
}

}  // namespace

std::optional<CsvFault> recognise(std::span<const std::string> head, CsvLayout& ret_layout) {
  CsvLayout& layout = ret_layout;
  layout = {};
  const std::vector<std::string> names = cells_of(head.front());
  if (names.size() > kMostColumns) return CsvFault{0, strf("more than %zu columns", kMostColumns)};
  layout.columns = names.size();
  layout.header = is_header(names);
  const std::size_t before = layout.header ? 1 : 0;
  std::vector<std::string> first_cells;
  for (const std::string& line : head.subspan(before, std::min(head.size() - before, kLayoutRows)))
    if (!line.empty()) first_cells.emplace_back(Cells(line).next());
  layout.time = time_form(layout.header ? std::string_view(names[0]) : std::string_view(), first_cells);
  if (layout.time != TimeForm::none) layout.step = median_step(times_of(first_cells, layout.time));
  name_columns(names, layout);
  if (layout.series.empty()) return CsvFault{0, "there is no series in it"};
  return std::nullopt;
}

std::optional<CsvFault> parse_row(std::string_view line, const CsvLayout& layout, CsvRow& ret_row) {
  ret_row.values.clear();
  Cells cells(line);
  std::size_t column = 0;
  for (; !cells.at_end(); ++column) {
    const std::string_view cell = cells.next();
    if (column >= layout.columns)
      return CsvFault{cells.column(), strf("more than the %zu cells of the first line", layout.columns)};
    if (column == 0 && layout.time != TimeForm::none) {
      const auto time = layout.time == TimeForm::iso ? parse_iso_time(cell) : parse_epoch_time(cell);
      if (!time) return CsvFault{cells.column(), "expected a point in time, found '" + printable(cell, 40) + "'"};
      ret_row.at = *time;
      ret_row.timestamp = cell;
    } else if (layout.is_series[column]) {
      const auto value = number_of(cell);
      if (!value)
        return CsvFault{cells.column(), "'" + layout.series[ret_row.values.size()] + "': expected a number, found '" +
                                            printable(cell, 40) + "'"};
      ret_row.values.push_back(*value);
    }
    if (cells.fault()) return CsvFault{cells.column(), "the quotes of this cell do not fit"};
  }
  if (column < layout.columns)
    return CsvFault{line.size() + 1, strf("%zu cells, expected the %zu of the first line", column, layout.columns)};
  return std::nullopt;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && trimmed(text) == text) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace hostmedic
