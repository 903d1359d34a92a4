// SPDX-License-Identifier: Apache-2.0
// The rows of one CSV file, packed by gzip or not, one after the other; the memory does not grow with the file. Errors
// read "FILE:LINE:COLUMN: what was expected". Blocking reads; one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/score/csv.h"
#include "agent/score/lines.h"

namespace hostmedic {

class CsvFile {
 public:
  static Result<CsvFile> open(const std::string& path);

  const CsvLayout& layout() const { return layout_; }
  const std::string& path() const { return path_; }
  // False at the end.
  Result<bool> next(CsvRow& ret_row);

 private:
  CsvFile(std::string path, ReadBytes read) : path_(std::move(path)), lines_(std::move(read)) {}

  Status begin();
  Result<bool> end_after_blank();
  Result<std::optional<std::string_view>> read_line();
  Result<std::optional<std::string_view>> next_line();
  Error here(const CsvFault& fault) const;

  std::string path_;
  LineReader lines_;
  std::vector<std::string> head_;  // lines read ahead
  std::size_t head_at_ = 0;
  std::uint64_t number_ = 0;  // of the last line given out
  CsvLayout layout_;
};

}  // namespace hostmedic
