// SPDX-License-Identifier: Apache-2.0
// How many columns of a terminal a text takes. Not wcwidth(): what it says depends on the locale, and the same incident
// should look the same everywhere.
#include <algorithm>
#include <array>

#include "agent/ctl/terminal.h"

namespace hostmedic {

namespace {

struct Range {
  char32_t first, last;
};
// After Unicode 15, EastAsianWidth (W and F) and general category (Mn, Me, Cf); blocks, not single characters.
constexpr std::array kWide{
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},   Range{0x2E80, 0x303E},
    Range{0x3041, 0x33FF},   Range{0x3400, 0x4DBF},   Range{0x4E00, 0xA4CF},   Range{0xA960, 0xA97F},
    Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF},
    Range{0x1FA70, 0x1FAFF}, Range{0x20000, 0x3FFFD},
};
constexpr std::array kNone{
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x0610, 0x061A},   Range{0x064B, 0x065F},
    Range{0x0E34, 0x0E3A}, Range{0x0E47, 0x0E4E}, Range{0x200B, 0x200F}, Range{0x2060, 0x2064},   Range{0x20D0, 0x20FF},
    Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0xFEFF, 0xFEFF}, Range{0xE0100, 0xE01EF},
};

bool within(const auto& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// One character of valid UTF-8; anything else counts as one byte, one column.
struct Character {
  std::size_t bytes, columns;
};
Character character_at(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (bytes == 1 || bytes > text.size()) return {1, 1};
  char32_t c = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) c = (c << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {bytes, within(kNone, c) ? 0U : within(kWide, c) ? 2U : 1U};
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character one = character_at(text);
    columns += one.columns;
    text.remove_prefix(one.bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t most) {
  if (columns_of(text) <= most) return std::string(text);
  constexpr std::string_view kCut = "...";
  std::size_t room = most > kCut.size() ? most - kCut.size() : 0, bytes = 0;
  for (Character one = character_at(text); one.columns <= room; one = character_at(text.substr(bytes))) {
    room -= one.columns;
    bytes += one.bytes;
  }
  return std::string(text.substr(0, bytes)) + std::string(kCut.substr(0, most));
}

}  // namespace hostmedic
