// SPDX-License-Identifier: Apache-2.0
// How text reaches the terminal: tones, wrapping, tables, relative times. Pure functions; any thread. Everything that
// came from a host is made printable by the caller, with text_at() (ask.h) or printable().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace hostmedic {

// How to write. width 0: not a terminal; lines are neither wrapped nor cut, so that they can be searched.
struct Look {
  bool colour = false;
  std::size_t width = 0;
  WallTime now;
  bool utf8 = true;  // whether bars and curves may be drawn with block characters
};

enum class Tone : std::uint8_t { plain, strong, dim, good, warning, bad };
std::string paint(const Look& look, Tone tone, std::string_view text);

// Columns that UTF-8 text takes: two for East Asian wide characters and pictures, none for combining marks.
std::size_t columns_of(std::string_view text);
// Cut to at most so many columns; what was cut ends with "...".
std::string fitted(std::string_view text, std::size_t most);
// Breaks text at blanks so that no line is longer than the width; lines after the first begin with indent blanks. The
// first line is taken to begin at column indent already.
std::string wrap(const Look& look, std::string_view text, std::size_t indent);
// "label       text", wrapped; the newline is included.
std::string field(const Look& look, std::string_view label, std::string_view text, Tone tone = Tone::plain);
inline constexpr std::size_t kFieldIndent = 13;

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};
// Columns as wide as their content; the last one is wrapped. Headings may be empty.
class Table {
 public:
  explicit Table(std::vector<std::string> headings = {}, std::size_t indent = 0)
      : headings_(std::move(headings)), indent_(indent) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string render(const Look& look) const;

 private:
  std::vector<std::string> headings_;
  std::size_t indent_;
  std::vector<std::vector<Cell>> rows_;
};

// "3m20s ago", "in 5m0s", "now" within a second.
std::string relative(WallTime at, WallTime now);
// "+1.2s": a time after a beginning.
std::string offset(WallTime at, WallTime beginning);
// "02:18:53Z" on the day of now, else "2026-11-21 02:18:53Z".
std::string clock_time(WallTime at, WallTime now);

}  // namespace hostmedic
