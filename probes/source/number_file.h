// SPDX-License-Identifier: Apache-2.0
// A kernel file of named numbers and the table that says which of them become which series of the host. One thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probes/parse/keyed.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {

// A row of such a table. Rows that follow each other with the same metric and attributes are one series: their sum.
// Without a metric the number is only there for value().
struct NumberRow {
  std::string_view key;
  const MetricInfo* metric = nullptr;
  std::string_view attributes = {};
  double scale = 1;  // from the kernel's unit to the metric's
};

class NumberFile {
 public:
  // rows must outlive this. make: from the keys of the rows, the parser for the file's shape.
  template <class Parser, class... Args>
  static NumberFile of(KeptFile file, std::span<const NumberRow> rows, Args... args) {
    KeyedText::Keys keys;
    for (const NumberRow& row : rows) keys.push_back(row.key);
    return {std::move(file), rows, std::make_unique<Parser>(std::move(keys), args...)};
  }

  // Reads and emits. A series begins when its number is seen first; a number that is gone, or a file that failed, makes
  // it unknown. A file that never was there is not_found and says nothing.
  Status read(Sink& sink);
  // Put before the attributes of every row, for tables of which the host has several: "numa.node=0,".
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }
  // What the last read gave for the row of the table, in the kernel's unit.
  std::optional<double> value(std::size_t row) const;
  // It was there at least once.
  bool seen() const { return seen_; }
  const std::string& path() const { return file_.path(); }

 private:
  NumberFile(KeptFile file, std::span<const NumberRow> rows, std::unique_ptr<KeyedText> parser);
  void emit(Sink& sink);

  KeptFile file_;
  std::span<const NumberRow> rows_;
  std::unique_ptr<KeyedText> parser_;
  std::vector<std::optional<std::uint64_t>> values_;  // by row
  std::vector<SeriesId> series_;                      // by row; of rows that are one series, the first
  std::string prefix_;
  bool seen_ = false;
};

// All of the files, of which each may never have been there. The first error that is not such a lack.
Status read_all(std::span<NumberFile> files, Sink& sink);

}  // namespace hostmedic
