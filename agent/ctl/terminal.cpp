// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/terminal.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr std::size_t kLeastText = 24;  // narrower than this, wrapping helps nobody

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::strong: return "\x1b[1m";
    case Tone::dim: return "\x1b[2m";
    case Tone::good: return "\x1b[32m";
    case Tone::warning: return "\x1b[33m";
    case Tone::bad: return "\x1b[31m";
  }
  return "";
}

std::string padded(const Look& look, const Cell& cell, std::size_t columns) {
  std::string text = paint(look, cell.tone, cell.text);
  text.append(columns - std::min(columns, columns_of(cell.text)), ' ');
  return text;
}

void end_line(std::string& out) {
  while (!out.empty() && out.back() == ' ') out.pop_back();
  out += '\n';
}

}  // namespace

std::string paint(const Look& look, Tone tone, std::string_view text) {
  if (!look.colour || tone == Tone::plain || text.empty()) return std::string(text);
  return std::string(code_of(tone)) + std::string(text) + "\x1b[0m";
}

std::string wrap(const Look& look, std::string_view text, std::size_t indent) {
  if (look.width < indent + kLeastText) return std::string(text);
  const std::size_t room = look.width - indent;
  std::string out;
  std::size_t used = 0;
  bool first = true;
  for (const std::string_view word : split(text, ' ')) {
    const std::size_t size = columns_of(word);
    if (used != 0 && used + 1 + size > room) {
      out += '\n';
      out.append(indent, ' ');
      used = 0;
    } else if (!first) {
      out += ' ';
      ++used;
    }
    first = false;
    out += word;
    used += size;
  }
  return out;
}

std::string field(const Look& look, std::string_view label, std::string_view text, Tone tone) {
  std::string out = padded(look, {std::string(label), Tone::dim}, kFieldIndent - 1) + " ";
  // Painted line by line would break nothing, but one tone over a wrapped text reads the same and is simpler.
  out += paint(look, tone, wrap(look, text, kFieldIndent));
  end_line(out);
  return out;
}

std::string Table::render(const Look& look) const {
  std::vector<std::size_t> widths(headings_.size());
  for (std::size_t i = 0; i < headings_.size(); ++i) widths[i] = columns_of(headings_[i]);
  for (const std::vector<Cell>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i].text));
  }
  std::string out;
  const auto line = [&](const std::vector<Cell>& row) {
    out.append(indent_, ' ');
    std::size_t column = indent_;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i + 1 < row.size()) {
        out += padded(look, row[i], widths[i]) + "  ";
        column += widths[i] + 2;
      } else {
        out += paint(look, row[i].tone, wrap(look, row[i].text, column));
      }
    }
    end_line(out);
  };
  if (!headings_.empty()) {
    std::vector<Cell> row;
    for (const std::string& heading : headings_) row.push_back({heading, Tone::dim});
    line(row);
  }
  for (const std::vector<Cell>& row : rows_) line(row);
  return out;
}

std::string relative(WallTime at, WallTime now) {
  const Duration distance = now - at;
  if (distance > -std::chrono::seconds(1) && distance < std::chrono::seconds(1)) return "now";
  return distance < Duration{} ? "in " + format_duration(-distance) : format_duration(distance) + " ago";
}

std::string offset(WallTime at, WallTime beginning) {
  const Duration distance = at - beginning;
  return (distance < Duration{} ? "" : "+") + format_duration(distance);
}

std::string clock_time(WallTime at, WallTime now) {
  const std::string text = format_utc(at), today = format_utc(now);
  const std::string time = text.substr(11, 8) + "Z";
  return text.substr(0, 10) == today.substr(0, 10) ? time : text.substr(0, 10) + " " + time;
}

}  // namespace hostmedic
