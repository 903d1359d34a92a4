// SPDX-License-Identifier: Apache-2.0
// Drives the reader of measurements. Input: a file, packed or not. What must hold: no crash, lines within their bound,
// and a row that is taken has a value for each series.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "agent/score/csv.h"
#include "agent/score/lines.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}

void rows(const std::vector<std::string>& lines) {
  CsvLayout layout;
  if (lines.empty() || recognise(lines, layout)) return;
  check(layout.columns >= 1 && layout.columns <= kMostColumns && layout.is_series.size() == layout.columns);
  check(!layout.series.empty() && layout.series.size() <= layout.columns);
  CsvRow row;
  for (const std::string& line : lines) {
    if (const auto fault = parse_row(line, layout, row))
      check(fault->column <= line.size() + 1 && !fault->message.empty());
    else
      check(row.values.size() == layout.series.size());
  }
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const std::string text =
      "timestamp,cpu,\"a,\"\"b\",Label\n2014-02-14 14:30:00,1,-2.5e3,0\r\n2014-02-14T14:35:00.5+02:00,NaN,,1\n";
  std::vector<std::string> seeds = {text, "1700000000,1\n1700000010,inf\n", "0.5,0.25\n1,2\n"};
  if (auto packed = gzip(text)) seeds.push_back(*packed);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::size_t at = 0;
  LineReader reader([&](std::span<char> room) -> Result<std::size_t> {
    const std::size_t n = std::min(room.size(), size - at);
    if (n > 0) std::memcpy(room.data(), data + at, n);
    at += n;
    return n;
  });
  std::vector<std::string> lines;
  while (lines.size() < 1000) {
    const auto line = reader.next();
    if (!line || !*line) break;
    check((*line)->size() <= kMostLine);
    lines.emplace_back(**line);
  }
  rows(lines);
  return 0;
}
