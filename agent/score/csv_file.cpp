// SPDX-License-Identifier: Apache-2.0
#include "agent/score/csv_file.h"

#include "agent/base/text.h"

namespace hostmedic {
namespace {

Error at_place(const std::string& path, std::uint64_t line, std::size_t column, Error error) {
  const auto number = static_cast<unsigned long long>(line);
  const std::string place =
      column == 0 ? strf("%s:%llu", path.c_str(), number) : strf("%s:%llu:%zu", path.c_str(), number, column);
  return std::move(error).in(place);
}

}  // namespace

Result<CsvFile> CsvFile::open(const std::string& path) {
  auto bytes = read_bytes_of(path);
  if (!bytes) return std::move(bytes.error()).in(path);
  CsvFile file(path, std::move(*bytes));
  if (auto begun = file.begin(); !begun) return std::move(begun).error();
  return file;
}

Result<bool> CsvFile::next(CsvRow& ret_row) {
  auto line = next_line();
  if (!line) return std::move(line).error();
  if (!*line) return false;
  if ((*line)->empty()) return end_after_blank();
  if (const auto fault = parse_row(**line, layout_, ret_row)) return here(*fault);
  return true;
}

// Empty lines are for the end only.
Result<bool> CsvFile::end_after_blank() {
  const std::uint64_t blank = number_;
  for (;;) {
    auto line = next_line();
    if (!line) return std::move(line).error();
    if (!*line) return false;
    if ((*line)->empty()) continue;
    number_ = blank;
    return here({0, "an empty line"});
  }
}

Error CsvFile::here(const CsvFault& fault) const {
  return at_place(path_, number_, fault.column, make_error(ErrorCode::malformed, fault.message));
}

// Looks ahead as far as the layout needs.
Status CsvFile::begin() {
  while (head_.size() <= kLayoutRows) {
    auto line = read_line();
    if (!line) return std::move(line).error();
    if (!*line) break;
    head_.emplace_back(**line);
  }
  if (head_.empty()) return at_place(path_, 1, 0, make_error(ErrorCode::malformed, "the file is empty"));
  number_ = 1;
  if (const auto fault = recognise(head_, layout_)) return here(*fault);
  number_ = head_at_ = layout_.header ? 1 : 0;
  return ok();
}

Result<std::optional<std::string_view>> CsvFile::read_line() {
  auto line = lines_.next();
  if (!line) return at_place(path_, lines_.number(), 0, std::move(line).error());
  return line;
}

Result<std::optional<std::string_view>> CsvFile::next_line() {
  ++number_;
  if (head_at_ < head_.size()) return std::optional<std::string_view>(head_[head_at_++]);
  return read_line();
}

}  // namespace hostmedic
